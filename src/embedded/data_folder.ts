import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { endLeftover } from "./leftover.ts";
import type { Log } from "./log.ts";

/** Holds the lock of a data folder. */
const lockName = "lock";
const holderName = "holder.json";
/** Marks a folder as made by us, for people and for empty(). */
const markName = "README.txt";
const mark =
  "The data of an embedded Kubernaut DataStorage: databases, passwords and downloaded programs.\n" +
  "`npm start -- --fresh` empties this folder. Do not put files of your own here.\n";
/** Result codes of SQLite: another process has the lock; the file cannot be written; the file cannot be opened. */
const sqliteBusy = 5;
const sqliteReadonly = 8;
const sqliteCannotOpen = 14;
/** What emptying keeps: downloaded programs, so that a fresh start works without a network. */
const keptWhenEmptied = new Set([lockName, holderName, markName, "programs"]);

/** Who runs on a data folder. */
export interface Holder {
  readonly pid: number;
  /** Host and port that it serves on, once it does. */
  readonly address?: string;
}

/** The folder is in use by another process. The message is for a person. */
export class DataFolderInUse extends Error {
  readonly holder: Holder | undefined;

  constructor(folder: string, holder: Holder | undefined) {
    const who = holder ? `process ${holder.pid}` : "another process";
    const where = holder?.address ? `, which serves on ${holder.address}` : "";
    super(
      `${folder} is in use by ${who}${where}. Use that one, stop it first${holder ? ` (kill ${holder.pid})` : ""}, ` +
        "or name another folder in DATASTORAGE_DATA_DIR.",
    );
    this.name = "DataFolderInUse";
    this.holder = holder;
  }
}

/** A data folder that this process alone uses until release(), or until it ends in any way. */
export interface DataFolder {
  /** Absolute path. */
  readonly path: string;
  /** Lets a second start say where this one serves. */
  announce(address: string): void;
  /**
   * Removes everything that was stored, for a start from nothing; downloaded programs stay.
   *
   * @throws Error when the folder was not made by us, or when a server of an earlier start does not end
   */
  empty(log: Log): Promise<void>;
  release(): void;
}

/**
 * Takes the data folder, made when it is missing.
 *
 * The lock is SQLite's on an empty database file: the one lock by the operating system that Node offers. It goes with the
 * process however that ends, so there is no stale lock and no guessing about process ids.
 *
 * @throws DataFolderInUse when another process has it.
 */
export function takeDataFolder(path: string): DataFolder {
  const folder = resolve(path);
  const lock = accessible(folder, () => {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    if (readdirSync(folder).length === 0) writeFileSync(join(folder, markName), mark);
    return lockFile(folder);
  });
  const announce = (holder: Holder) => {
    const file = join(folder, holderName);
    writeFileSync(`${file}.new`, JSON.stringify(holder), { mode: 0o644 });
    renameSync(`${file}.new`, file);
    leaveToOwner(folder);
  };
  accessible(folder, () => announce({ pid: process.pid }));
  return {
    path: folder,
    announce: (address) => announce({ pid: process.pid, address }),
    async empty(log) {
      if (!existsSync(join(folder, markName))) {
        throw new Error(`${folder} was not made by datastorage; empty it by hand, or name another folder.`);
      }
      await Promise.all([endLeftover("postgres", folder, log), endLeftover("valkey", folder, log)]);
      for (const name of readdirSync(folder)) {
        if (!keptWhenEmptied.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
      }
    },
    release() {
      rmSync(join(folder, holderName), { force: true });
      lock.close();
    },
  };
}

/** Does something in the folder, with words of advice where this user may not. */
function accessible<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const owner = existsSync(folder) ? `, which belongs to uid ${statSync(folder).uid}` : "";
    throw new Error(
      `This user may not write in ${folder}${owner}: start as its owner, or name another folder in DATASTORAGE_DATA_DIR.`,
      { cause: error },
    );
  }
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("errcode" in error) return error.errcode === sqliteReadonly || error.errcode === sqliteCannotOpen;
  return "code" in error && ["EACCES", "EPERM", "EROFS"].includes(String(error.code));
}

/** Root, in a folder of somebody else, leaves no file there that its owner could not use at the next start. */
function leaveToOwner(folder: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  for (const name of [lockName, holderName, markName]) {
    if (existsSync(join(folder, name))) chownSync(join(folder, name), uid, gid);
  }
}

function lockFile(folder: string): DatabaseSync {
  const lock = new DatabaseSync(join(folder, lockName), { timeout: 0 });
  try {
    lock.exec("pragma journal_mode = memory");
    lock.exec("begin exclusive");
    return lock;
  } catch (error) {
    lock.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) {
      throw new DataFolderInUse(folder, readHolder(folder));
    }
    throw error;
  }
}

function readHolder(folder: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(join(folder, holderName), "utf8"));
    return holder as Holder;
  } catch {
    return undefined;
  }
}
