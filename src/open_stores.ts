import type { AppendObserver } from "./audit/append/appender.ts";
import { type LogWriter, openLogWriter } from "./audit/append/log_writer.ts";
import { isDegraded, type StoresState } from "./audit/service_parts.ts";
import type { Config } from "./config/config.ts";
import type { Partitions } from "./custody/partitions.ts";
import { type OpenQueue, openQueue } from "./deadletter/open_queue.ts";
import type { QueueLimits } from "./deadletter/queue_store.ts";
import type { EmbeddedServers } from "./embedded/embedded.ts";
import { createAppendMetrics } from "./telemetry/append_metrics.ts";
import { createAppendTrace } from "./telemetry/append_span.ts";
import { createQueueMetrics } from "./telemetry/queue_metrics.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { observeWriter } from "./telemetry/writer_metrics.ts";

/** Where events are kept and where they wait. */
export interface Stores {
  readonly database: LogWriter;
  readonly queue: OpenQueue | undefined;
  readonly state: StoresState;
  /** Tells whether either store takes events, now and at every change. */
  onChange(listener: (serving: boolean) => void): void;
}

export interface StoresParts {
  readonly config: Config;
  readonly embedded: Pick<EmbeddedServers, "databaseUrl" | "valkeyUrl">;
  readonly partitions: Partitions;
  readonly telemetry: Telemetry;
  /** Events were recorded. */
  readonly onRecorded: () => void;
}

/** Opens the stores. Both may be away. */
export function openStores(parts: StoresParts): Stores {
  const { config, embedded, telemetry } = parts;
  const { metrics, log } = telemetry;
  const watch = createQueueMetrics(metrics);
  let listener = (_serving: boolean) => {};
  const serving = () => database.availability.available || queue?.queue.takes === true;
  const changed = () => {
    database.overflowChanged();
    listener(serving());
  };
  const queue =
    embedded.valkeyUrl === undefined
      ? undefined
      : openQueue({
          valkeyUrl: embedded.valkeyUrl,
          limits: limitsOf(config),
          tries: config.queueTries,
          retryWaitMs: config.queueRetryWaitMs,
          log,
          observer: watch.drain,
          onWiped: watch.wiped,
          onChange: changed,
        });
  const database = openDatabase(parts, queue, () => listener(serving()));
  const state = (): StoresState => ({
    database: { available: database.availability.available },
    queue: queue?.state ?? { state: "not_configured", reason: "no VALKEY_URL, and no Valkey of our own" },
  });
  metrics.degraded.observe((report) => report(isDegraded(state()) ? 1 : 0));
  if (queue !== undefined) {
    queue.drain(database.queueAppender);
    watch.watch({
      limits: queue.store.limits,
      depth: () => queue.store.depth(),
      get takes() {
        return queue.queue.takes;
      },
      get breaker() {
        return queue.drainer.breaker;
      },
    });
  }
  return {
    database,
    queue,
    get state() {
      return state();
    },
    onChange(wanted) {
      listener = wanted;
      wanted(serving());
    },
  };
}

function limitsOf({ queueEntries, queueBytes, deadLetterEntries, deadLetterBytes }: Config): QueueLimits {
  return { entries: queueEntries, bytes: queueBytes, deadLetters: deadLetterEntries, deadLetterBytes };
}

function openDatabase(
  { config, embedded, partitions, telemetry, onRecorded }: StoresParts,
  queue: OpenQueue | undefined,
  onAvailable: () => void,
): LogWriter {
  const { metrics, tracer, log } = telemetry;
  let told = false;
  const opened = openLogWriter({
    ...config,
    databaseUrl: embedded.databaseUrl,
    lanes: config.appendConnections,
    lingerMs: config.appendLingerMs,
    ensureMonths: (dates) => partitions.ensureMonths(dates),
    observer: telling(createAppendMetrics(metrics, log), onRecorded),
    queueObserver: telling(createAppendMetrics(metrics, log, "queue"), onRecorded),
    overflow: queue?.queue,
    traceAppend: createAppendTrace(tracer),
    onAvailability(available, cause) {
      const meanwhile = queue?.queue.takes ? "queued" : "refused";
      if (!available) log.error({ err: cause }, `the database is away; events are ${meanwhile} until it is back`);
      else if (told) log.info("the database is back");
      told = true;
      onAvailable();
    },
  });
  const { writer, availability } = opened;
  metrics.databaseUp.observe((report) => report(availability.available ? 1 : 0));
  observeWriter(metrics, writer, config.appendConnections);
  return opened;
}

/** The same observer, which also tells that events were recorded. */
export function telling<O extends Pick<AppendObserver, "recorded">>(observer: O, onRecorded: () => void): O {
  return {
    ...observer,
    recorded(events: Parameters<O["recorded"]>[0]) {
      observer.recorded(events);
      onRecorded();
    },
  };
}
