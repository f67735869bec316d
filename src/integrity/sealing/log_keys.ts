import type { KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, shown } from "../../config/config_error.ts";
import { newPrivateKey, readPrivateKeys } from "../note/keys.ts";
import { logFolder, makeLogFolder, writeNew } from "./log_folder.ts";

/** The private keys of the log: it is signed with each; cosigner and export key are derived from the first. */
export interface LogKeys {
  readonly privateKeys: readonly [KeyObject, ...KeyObject[]];
  /** Where they came from, for messages: a variable or a file. */
  readonly source: string;
}

/** What says where the keys are. */
export interface LogKeyOptions {
  /** DATASTORAGE_LOG_KEY: PEM text. */
  readonly logKey: string | undefined;
  /** DATASTORAGE_LOG_KEY_FILE. */
  readonly logKeyFile: string | undefined;
  readonly dataDir: string;
  /** Whether the database is our own, in the data folder, which is then taken. */
  readonly embedded: boolean;
}

const KEY = "DATASTORAGE_LOG_KEY";
const KEY_FILE = "DATASTORAGE_LOG_KEY_FILE";

/**
 * The keys that DATASTORAGE_LOG_KEY or DATASTORAGE_LOG_KEY_FILE give. Without either, `embedded` has one in
 * `<dataDir>/log/key.pem`, made at the first start; else there is none. To be called once the data folder is taken.
 *
 * @throws ConfigError where a key cannot be read or is of another type; Error where none can be written.
 */
export function readLogKeys(options: LogKeyOptions): LogKeys | undefined {
  const { logKey, logKeyFile, dataDir, embedded } = options;
  const file = ownKeyFile(dataDir);
  if (embedded && logKey === undefined && logKeyFile === undefined && !existsSync(file)) {
    makeLogFolder(dataDir);
    writeNew(file, newPrivateKey());
  }
  return findLogKeys(options);
}

/** The same where none is made: absent as well for a data folder without one. @throws ConfigError as readLogKeys. */
export function findLogKeys({ logKey, logKeyFile, dataDir, embedded }: LogKeyOptions): LogKeys | undefined {
  if (logKey !== undefined) return parseKeys(logKey, KEY, { variable: KEY, value: shown(logKey, true) });
  const own = ownKeyFile(dataDir);
  const file = logKeyFile ?? (embedded && existsSync(own) ? own : undefined);
  if (file === undefined) return undefined;
  return parseKeys(readKeyFile(file), file, { variable: KEY_FILE, value: shown(file, false) });
}

function ownKeyFile(dataDir: string): string {
  return join(logFolder(dataDir), "key.pem");
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const rule = `cannot be read (${code}); it must be a file with an Ed25519 private key in PKCS#8 PEM form`;
    throw new ConfigError([{ variable: KEY_FILE, value: shown(file, false), rule }], { cause });
  }
}

function parseKeys(pem: string, source: string, given: { variable: string; value: string }): LogKeys {
  try {
    return { privateKeys: readPrivateKeys(pem) as [KeyObject, ...KeyObject[]], source };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const rule = `must hold Ed25519 private keys in PKCS#8 PEM form: ${reason}`;
    throw new ConfigError([{ ...given, rule }], { cause });
  }
}
