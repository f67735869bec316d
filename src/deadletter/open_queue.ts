import type { QueueAppender } from "../audit/append/queue_appender.ts";
import type { StoresState } from "../audit/service_parts.ts";
import type { Logger } from "../telemetry/logs.ts";
import { Valkey } from "../valkey/valkey.ts";
import type { DrainObserver } from "./drain_observer.ts";
import { type Drainer, startDrainer } from "./drainer.ts";
import { PROOF_KEY } from "./keys.ts";
import { Queue } from "./queue.ts";
import { type QueueLimits, QueueStore } from "./queue_store.ts";

export interface OpenQueueOptions {
  readonly valkeyUrl: string;
  readonly limits: QueueLimits;
  /** Tries of an entry that the database refuses, and milliseconds after the first of them. */
  readonly tries: number;
  readonly retryWaitMs: number;
  readonly log: Logger;
  readonly observer: DrainObserver;
  readonly onWiped: () => void;
  /** It begins or ceases to take events, or has let a correlation go. */
  readonly onChange: () => void;
}

/** The queue of a running service: where events wait, and what stores them. */
export interface OpenQueue {
  readonly valkey: Valkey;
  readonly store: QueueStore;
  readonly queue: Queue;
  readonly drainer: Drainer;
  readonly state: StoresState["queue"];
  /** Begins to drain. Events may be queued before. */
  drain(appender: QueueAppender): void;
  /** Resolves when events can be queued for the first time. */
  readonly taking: Promise<void>;
  /** Ends draining; what is left stays for the next process. */
  stopDraining(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the queue. Valkey may be away: it is reached whenever it can be. */
export function openQueue(options: OpenQueueOptions): OpenQueue {
  const { log, observer, tries, retryWaitMs } = options;
  const valkey = new Valkey({ url: options.valkeyUrl, log, proofKey: PROOF_KEY });
  const store = new QueueStore({ valkey, limits: options.limits, log, onWiped: options.onWiped });
  const queue = new Queue({
    store,
    onChange: options.onChange,
    onReleased: options.onChange,
    onQueued: () => drainer?.wake(),
  });
  let drainer: Drainer | undefined;
  const taking = new Promise<void>((resolve) => store.onTakes((takes) => takes && resolve()));
  return {
    valkey,
    store,
    queue,
    get drainer() {
      if (drainer === undefined) throw new Error("the queue is not drained yet");
      return drainer;
    },
    taking,
    get state(): StoresState["queue"] {
      const { state, reason = "" } = valkey;
      if (state === "ready") return { state: "available", reason: "" };
      return { state: state === "not_durable" ? "not_durable" : "away", reason };
    },
    drain(appender) {
      const onSettled = (entries: Parameters<Queue["released"]>[0]) => queue.released(entries);
      drainer = startDrainer({ store, appender, owner: store.consumer, tries, retryWaitMs, log, observer, onSettled });
    },
    async stopDraining() {
      await drainer?.stop();
    },
    async close() {
      queue.close();
      store.close();
      await valkey.close();
    },
  };
}
