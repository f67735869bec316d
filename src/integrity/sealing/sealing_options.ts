import type { OwnEvent } from "../../audit/own_event.ts";
import type { Database } from "../../postgres/database.ts";
import type { Logger } from "../../telemetry/logs.ts";
import type { LogKeys } from "./log_keys.ts";
import type { WitnessOption } from "./witness_option.ts";

/** What sealing needs of the service. */
export interface SealingOptions {
  /** Absent: the log is indexed and not signed. See readLogKeys. */
  readonly keys: LogKeys | undefined;
  /** DATASTORAGE_LOG_ORIGIN. Absent: the one in use in the database, or one made up at the first start. */
  readonly origin: string | undefined;
  /** `log/checkpoint` in this folder is kept outside of the database. */
  readonly dataDir: string;
  readonly witnesses: readonly WitnessOption[] | undefined;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** Where it runs its few statements a second; one connection is enough. */
  readonly database: Database;
  /** Records an event of the service's own; resolves when a store has it. It is tried again when it rejects. */
  readonly record: (event: OwnEvent) => Promise<void>;
  /** Milliseconds of a clock that only goes forward; for tests. Default performance.now. */
  readonly monotonicMs?: () => number;
}

/**
 * How sealing stands.
 *
 * - `standby`: this process does not hold the log, or has not looked yet.
 * - `signing`: it signs.
 * - `no_key`: there is no key; the log is indexed and not signed.
 * - `other_origin`: DATASTORAGE_LOG_ORIGIN is another than the one in use; the log is indexed and not signed.
 * - `contradicted`: the tree contradicts what was signed of it; nothing may be indexed or signed.
 */
export type SealingStatus = "standby" | "signing" | "no_key" | "other_origin" | "contradicted";
