import type { Writer } from "../audit/append/writer.ts";
import type { StoresState } from "../audit/service_parts.ts";
import type { Logger } from "../telemetry/logs.ts";
import type { Valkey } from "../valkey/valkey.ts";
import type { Drainer } from "./drainer.ts";
import type { QueueStore } from "./queue_store.ts";

/** What the calls of DeadLetterService need. */
export interface DeadLetterParts {
  readonly writer: Pick<Writer, "open" | "submit">;
  readonly log: Pick<Logger, "warn">;
  /** Whether each store takes events now, and why not. */
  readonly stores: () => StoresState;
  /** Undefined: the service was started without a queue. */
  readonly queue: QueueParts | undefined;
}

export interface QueueParts {
  readonly valkey: Pick<Valkey, "run" | "runSynced" | "restart">;
  readonly store: QueueStore;
  readonly drainer: Pick<Drainer, "status" | "wake">;
}
