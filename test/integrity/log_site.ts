import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { type OpenLog, openLog } from "../../src/integrity/log/open_log.ts";
import { Database } from "../../src/postgres/database.ts";
import { openPool, type Sql } from "../../src/postgres/pool.ts";
import { append, chainEvent, makeMonths } from "../fsck/append_chains.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

/** A database of a test's own, and the log over it. */
export interface LogSite {
  readonly database: TestDatabase;
  /** As its superuser. */
  readonly admin: postgres.Sql;
  /** A connection as the service's; ended with the test. */
  connect(): Sql;
  /** A pool as its readers have it; ended with the test. */
  read(): Database;
  /** A log as a service without keys has it, begun; closed with the test. */
  open(options?: LogOptions): OpenedLog;
  /** The same in a process of its own. */
  spawn(env?: Readonly<Record<string, string>>): ChildProcess;
}

export interface LogOptions {
  readonly idleSessionTimeoutMs?: number;
}

/** A log, and what it complained about. */
export interface OpenedLog extends OpenLog {
  readonly complaints: readonly string[];
  /** Resolves when the log is at least of this size. */
  until(size: number): Promise<void>;
  /** Resolves when it has complained of something. */
  untilComplaint(of: RegExp): Promise<void>;
}

interface Scope {
  after(hook: () => Promise<void>): void;
}

const TIMEOUT_MS = 10_000;
const program = fileURLToPath(new URL("./sequencer_process.ts", import.meta.url));

export async function openLogSite(scope: Scope, given?: TestDatabase): Promise<LogSite> {
  const database = given ?? (await createDatabase("log"));
  const admin = postgres(database.adminUrl, { max: 2, onnotice: () => {} });
  const closers: (() => Promise<unknown>)[] = [];
  scope.after(async () => {
    await Promise.all(closers.map((close) => close()));
    await admin.end({ timeout: 1 });
    await database.drop();
  });
  const connect = () => {
    const sql = openPool({ url: database.url, connections: 1, applicationName: "test", statementTimeoutMs: 0 });
    closers.push(() => sql.end({ timeout: 1 }));
    return sql;
  };
  if (given === undefined) await makeMonths(connect());
  return {
    database,
    admin,
    connect,
    read() {
      const read = openRead(database.url);
      closers.push(() => read.end());
      return read;
    },
    open(options) {
      const opened = openWithoutKeys(database.url, options);
      closers.push(() => opened.close());
      opened.begin();
      return opened;
    },
    spawn(env = {}) {
      const child = spawn(process.execPath, [program, database.url], {
        stdio: ["ignore", "inherit", "inherit"],
        env: { ...process.env, ...env },
      });
      closers.push(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill("SIGKILL");
        await once(child, "exit");
      });
      return child;
    },
  };
}

function openRead(url: string): Database {
  return new Database({ url, connections: 2, applicationName: "test read", statementTimeoutMs: 5_000 });
}

/** A log as a service without keys has it. */
export function openWithoutKeys(url: string, options: LogOptions = {}): OpenedLog {
  const read = openRead(url);
  const complaints: string[] = [];
  const told = new EventEmitter();
  const complain = (_details: unknown, message = "") => {
    complaints.push(message);
    told.emit("complaint");
  };
  const opened = openLog({
    databaseUrl: url,
    read,
    log: { info() {}, warn: complain, error: complain } as never,
    statementTimeoutMs: 5_000,
    sealing: { keys: undefined, origin: undefined, dataDir: "/nonexistent", witnesses: [], record: async () => {} },
    onAdvanced() {},
    othersMs: 100,
    ...options,
  });
  const close = async () => {
    await opened.close();
    await read.end();
  };
  let closing: Promise<void> | undefined;
  return Object.assign(Object.create(opened) as OpenLog, {
    complaints,
    close: () => (closing ??= close()),
    async until(size: number) {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      while (opened.growth.size < size) await opened.growth.waitBeyond(size - 1, signal, TIMEOUT_MS);
    },
    async untilComplaint(of: RegExp) {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      while (!complaints.some((text) => of.test(text))) await once(told, "complaint", { signal });
    },
  });
}

/** Appends places `first` to `last` of chain `rr-<chain>`, as one append. */
export function appendPlaces(sql: Sql, chain: number, first: number, last: number): Promise<void> {
  return append(
    sql,
    Array.from({ length: last - first + 1 }, (_, place) => chainEvent(chain, first + place)),
  );
}
