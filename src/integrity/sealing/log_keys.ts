import type { KeyObject } from "node:crypto";

/** The private keys of the log: it is signed with each; cosigner and export key are derived from the first. */
export interface LogKeys {
  readonly privateKeys: readonly [KeyObject, ...KeyObject[]];
  /** Where they came from, for messages: a variable or a file. */
  readonly source: string;
}

/**
 * The keys that DATASTORAGE_LOG_KEY or DATASTORAGE_LOG_KEY_FILE give. Without either, `embedded` has one in
 * `<dataDir>/log/key.pem`, made at the first start; else there is none. To be called once the data folder is taken.
 *
 * @throws ConfigError where a key cannot be read or is of another type.
 */
export function readLogKeys(_options: {
  readonly logKey: string | undefined;
  readonly logKeyFile: string | undefined;
  readonly dataDir: string;
  readonly embedded: boolean;
}): LogKeys | undefined {
  throw new Error("not yet");
}
