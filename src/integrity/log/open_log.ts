import { setTimeout as delay } from "node:timers/promises";
import { Database } from "../../postgres/database.ts";
import type { Logger } from "../../telemetry/logs.ts";
import type { Signer } from "../note/signed_note.ts";
import { Sealer } from "../sealing/sealer.ts";
import type { SealingOptions, SealingStatus } from "../sealing/sealing_options.ts";
import { ListenedGrowth, type LogGrowth } from "./log_growth.ts";
import { LogReader } from "./log_reader.ts";
import { Sequencer, type Standing } from "./sequencer.ts";
import { TileStore } from "./tile_store.ts";

export type { LogGrowth } from "./log_growth.ts";

/** The log of a running service. */
export interface OpenLog {
  readonly reader: LogReader;
  readonly tiles: TileStore;
  readonly growth: LogGrowth;
  /** How it stands, for gauges. */
  readonly standing: Standing;
  sealingStatus(): SealingStatus;
  /** Whether the latest checkpoint is kept outside of the database. */
  readonly keptOutside: boolean;
  readonly witnesses: Sealer["witnesses"];
  /** Signs manifests of exports; absent without a key or an origin. */
  exportSigner(): Signer | undefined;
  /** The schema is there: begins to index, or to wait for the process that does. */
  begin(): void;
  /** This process has recorded events. */
  recorded(): void;
  /** Indexes and signs what was recorded, as far as a second allows, and closes the connections. */
  close(): Promise<void>;
}

export interface OpenLogParts {
  readonly databaseUrl: string;
  /** For what only reads. */
  readonly read: Database;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** Milliseconds that a statement may run. */
  readonly statementTimeoutMs: number;
  readonly sealing: Omit<SealingOptions, "database" | "log">;
  /** So many events have got an index at once, in so many seconds. */
  readonly onAdvanced: (events: number, seconds: number) => void;
  /** Milliseconds after which a process that has stopped without a word loses the lock; default 10,000. */
  readonly idleSessionTimeoutMs?: number;
  /** Milliseconds between two looks of a process that waits for the lock, and after an error; default 1,000. */
  readonly othersMs?: number;
}

const IDLE_SESSION_TIMEOUT_MS = 10_000;
/** Milliseconds for a sealing that is under way at the end. */
const LAST_SEALING_MS = 1_000;

/** Opens the log: two connections, one to index with and one to hear of its growth. Nothing is asked of the database before `begin`. */
export function openLog(parts: OpenLogParts): OpenLog {
  const { databaseUrl: url, statementTimeoutMs, log } = parts;
  const idleSessionTimeoutMs = parts.idleSessionTimeoutMs ?? IDLE_SESSION_TIMEOUT_MS;
  const tiles = new TileStore(parts.read);
  const database = new Database({
    url,
    connections: 1,
    applicationName: "datastorage sequencer",
    statementTimeoutMs,
    idleSessionTimeoutMs,
  });
  const ear = new Database({
    url,
    connections: 1,
    applicationName: "datastorage listener",
    statementTimeoutMs,
    onNotify: (_channel, size) => growth.heard(Number(size)),
  });
  const growth = new ListenedGrowth(ear);
  const sealer = new Sealer({ ...parts.sealing, database, log });
  const sequencer = new Sequencer({
    database,
    sealer,
    log,
    onAdvanced(events, seconds, size) {
      parts.onAdvanced(events, seconds);
      growth.heard(size);
    },
    onShrunk: () => tiles.forget(),
    othersMs: parts.othersMs,
  });
  return {
    reader: new LogReader(parts.read),
    tiles,
    growth,
    get standing() {
      return sequencer.standing;
    },
    sealingStatus: () => sealer.status,
    get keptOutside() {
      return sealer.isKept;
    },
    get witnesses() {
      return sealer.witnesses;
    },
    exportSigner: () => sealer.exportSigner(),
    begin() {
      sequencer.begin();
      growth.begin();
    },
    recorded: () => sequencer.recorded(),
    async close() {
      growth.close();
      await sequencer.close();
      // A statement under way may never be answered; the end of its connection ends it.
      const bound = new AbortController();
      await Promise.race([sealer.close(), delay(LAST_SEALING_MS, undefined, { signal: bound.signal }).catch(() => {})]);
      bound.abort();
      await Promise.all([database.end(), ear.end()]);
    },
  };
}
