import { CATEGORIES, EVENT_OUTCOMES, type Instrument, SERVER_FAILURES, STATUS_CODES } from "./instrument.ts";
import { log } from "./log_instruments.ts";

const calls = {
  /** https://opentelemetry.io/docs/specs/semconv/rpc/rpc-metrics/ with two finer buckets below 5 ms. */
  rpcServerCallDuration: {
    name: "rpc_server_call_duration_seconds",
    openTelemetryName: "rpc.server.call.duration",
    kind: "histogram",
    unit: "s",
    labels: {
      "rpc.system.name": { values: ["grpc", "connectrpc"], meaning: "Protocol of the call; gRPC-Web counts as grpc." },
      "rpc.method": { meaning: "`package.Service/Method`, or `_OTHER` for one that is not served." },
      "rpc.status_code": { values: STATUS_CODES, meaning: "Status the call ended with, in gRPC's spelling." },
      "error.type": {
        values: SERVER_FAILURES,
        optional: true,
        meaning: "The status again, on calls that failed through the service's own doing; absent from the others.",
      },
    },
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    meaning: "Duration of incoming calls, from headers to status; for a stream, its whole life.",
  },
  connections: {
    name: "datastorage_connections",
    kind: "gauge",
    unit: "{connection}",
    labels: {},
    meaning: "Client connections open now. The limit is DATASTORAGE_MAX_CONNECTIONS.",
  },
} as const satisfies Record<string, Instrument>;

const appends = {
  writeDuration: {
    name: "datastorage_write_duration_seconds",
    kind: "histogram",
    unit: "s",
    labels: {
      result: {
        values: ["ok", "stale", "duplicate", "error"],
        meaning:
          "`ok`: committed; `stale`: a chain had grown meanwhile; `duplicate`: an id was already there; `error`: refused or lost.",
      },
    },
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    meaning: "Duration of one append: one statement, from sending it to its answer.",
  },
  auditLag: {
    name: "datastorage_audit_lag_seconds",
    kind: "histogram",
    unit: "s",
    labels: {
      path: {
        values: ["direct", "queue"],
        meaning: "`direct`: appended when it came; `queue`: waited in Valkey first.",
      },
    },
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600],
    meaning: "From an event's event_timestamp to its commit; 0 where an emitter's clock runs ahead.",
  },
  events: {
    name: "datastorage_events_total",
    kind: "counter",
    unit: "{event}",
    labels: {
      outcome: { values: EVENT_OUTCOMES, meaning: "What became of the event." },
      category: { values: CATEGORIES, meaning: "Its event_category; `other` for one that is not in the list." },
    },
    meaning:
      "Events that were answered, by what became of them. Those of a call that ended in an error are not among them.",
  },
  appendEvents: {
    name: "datastorage_append_events",
    kind: "histogram",
    unit: "{event}",
    labels: {},
    buckets: [1, 2, 5, 10, 25, 50, 100, 200, 300, 400, 500, 1000, 2000, 5000],
    meaning: "Events in one append: how well small requests are gathered.",
  },
  appendRetries: {
    name: "datastorage_append_retries_total",
    kind: "counter",
    unit: "{append}",
    labels: {
      reason: {
        values: ["stale", "duplicate", "race", "split"],
        meaning:
          "`stale`: a chain had grown meanwhile; `duplicate`: an id was already stored; `race`: the database asked for another " +
          "try (serialization, deadlock, lock); `split`: one event was refused and the rest is tried without it.",
      },
    },
    meaning: "Appends that were made again.",
  },
  writerPendingEvents: {
    name: "datastorage_writer_pending_events",
    kind: "gauge",
    unit: "{event}",
    labels: {},
    meaning: "Events taken from callers and not settled yet.",
  },
  writerPendingBytes: {
    name: "datastorage_writer_pending_bytes",
    kind: "gauge",
    unit: "By",
    labels: {},
    meaning: "Bytes of these events.",
  },
  writerPendingLimit: {
    name: "datastorage_writer_pending_limit",
    kind: "gauge",
    unit: "1",
    labels: { of: { values: ["events", "bytes"], meaning: "What is limited." } },
    meaning: "DATASTORAGE_PENDING_EVENTS and DATASTORAGE_PENDING_BYTES: where callers are held back.",
  },
  writerWaitingCallers: {
    name: "datastorage_writer_waiting_callers",
    kind: "gauge",
    unit: "{caller}",
    labels: {},
    meaning: "Calls held back because the writer is full.",
  },
  ownEventsWaiting: {
    name: "datastorage_own_events_waiting",
    kind: "gauge",
    unit: "{event}",
    labels: {},
    meaning:
      "Events of answered calls of discovery and reconstruction that no store has taken yet; at 10,000 such calls are refused. They live in memory.",
  },
} as const satisfies Record<string, Instrument>;

const database = {
  databaseUp: {
    name: "datastorage_database_up",
    kind: "gauge",
    unit: "1",
    labels: {},
    meaning: "1 while PostgreSQL answers, else 0.",
  },
  poolConnections: {
    name: "datastorage_pool_connections",
    kind: "gauge",
    unit: "{connection}",
    labels: {
      pool: { values: ["append", "read"], meaning: "Which pool." },
      state: {
        values: ["active", "idle", "waiting"],
        meaning: "`active`: runs a statement; `idle`: open and free; `waiting`: a statement waits for a connection.",
      },
    },
    meaning: "Use of the database connections.",
  },
  partitionMonthsAhead: {
    name: "datastorage_partition_months_ahead",
    kind: "gauge",
    unit: "{month}",
    labels: {},
    meaning: "Months after this one that have a partition without a gap. The aim is DATASTORAGE_MONTHS_AHEAD.",
  },
  defaultPartitionRows: {
    name: "datastorage_default_partition_rows",
    kind: "gauge",
    unit: "{event}",
    labels: {},
    meaning:
      "Events in the partition for months that have none of their own; the database's estimate, and never 0 when there is one.",
  },
} as const satisfies Record<string, Instrument>;

const STREAM = { values: ["events", "notifications"], meaning: "Which of the two streams." } as const;

const queue = {
  queueUp: {
    name: "datastorage_queue_up",
    kind: "gauge",
    unit: "1",
    labels: {},
    meaning: "1 while Valkey answers and is proved to be durable, so that events may be QUEUED; else 0.",
  },
  degraded: {
    name: "datastorage_degraded",
    kind: "gauge",
    unit: "1",
    labels: {},
    meaning:
      "1 while one of the stores that the service was started with takes no events; else 0. GetServiceInfo says which.",
  },
  queueDepth: {
    name: "datastorage_dlq_depth",
    kind: "gauge",
    unit: "{entry}",
    labels: { stream: STREAM },
    meaning: "Entries that wait in the queue. The limit is DATASTORAGE_QUEUE_ENTRIES.",
  },
  queueBytes: {
    name: "datastorage_dlq_bytes",
    kind: "gauge",
    unit: "By",
    labels: { stream: STREAM },
    meaning: "Bytes of these entries. The limit on both streams together is DATASTORAGE_QUEUE_BYTES.",
  },
  queueOldestAge: {
    name: "datastorage_dlq_oldest_age_seconds",
    kind: "gauge",
    unit: "s",
    labels: { stream: STREAM },
    meaning: "Age of the oldest entry; 0 where none waits.",
  },
  queueWarning: {
    name: "datastorage_dlq_warning",
    kind: "gauge",
    unit: "1",
    labels: { stream: STREAM },
    meaning: "1 while the queue is filled to 80 % of a limit, by entries or bytes; else 0.",
  },
  queueCritical: {
    name: "datastorage_dlq_critical",
    kind: "gauge",
    unit: "1",
    labels: { stream: STREAM },
    meaning: "1 while the queue is filled to 90 % of a limit; else 0.",
  },
  queueRetries: {
    name: "datastorage_dlq_retries_total",
    kind: "counter",
    unit: "{entry}",
    labels: { stream: STREAM },
    meaning: "Tries of entries that the database refused. An outage counts as none.",
  },
  queueClaims: {
    name: "datastorage_dlq_claims_total",
    kind: "counter",
    unit: "{entry}",
    labels: { stream: STREAM },
    meaning: "Entries taken over from another process, or an earlier life, that had begun with them.",
  },
  queueBreaker: {
    name: "datastorage_dlq_breaker_state",
    kind: "gauge",
    unit: "1",
    labels: {
      state: {
        values: ["closed", "open", "half_open"],
        meaning: "`closed`: draining; `open`: the database is away; `half_open`: one append is being tried.",
      },
    },
    meaning: "1 for the state that the circuit breaker of this process's consumer is in, 0 for the others.",
  },
  queueWiped: {
    name: "datastorage_dlq_wiped_total",
    kind: "counter",
    unit: "{loss}",
    labels: {},
    meaning: "How often Valkey was found emptied or replaced: what was QUEUED and not drained is gone.",
  },
  deadLettersTotal: {
    name: "datastorage_dead_letters_total",
    kind: "counter",
    unit: "{event}",
    labels: {
      stream: STREAM,
      reason: {
        values: ["refused", "conflict", "undecodable"],
        meaning:
          "`refused`: by the database; `conflict`: the id was recorded with other content; `undecodable`: cannot be read.",
      },
    },
    meaning: "Events that became dead letters; an entry that cannot be read counts as one.",
  },
  deadLetters: {
    name: "datastorage_dead_letters",
    kind: "gauge",
    unit: "{event}",
    labels: { stream: STREAM },
    meaning: "Dead letters that wait for somebody to replay or discard them.",
  },
  deadLettersFull: {
    name: "datastorage_dead_letters_full",
    kind: "gauge",
    unit: "1",
    labels: { stream: STREAM },
    meaning: "1 while there is no room for another dead letter and the stream is therefore not drained; else 0.",
  },
} as const satisfies Record<string, Instrument>;

const processes = {
  buildInfo: {
    name: "datastorage_build_info",
    kind: "gauge",
    unit: "1",
    labels: { version: { meaning: "Version of the service." }, node: { meaning: "Version of Node." } },
    meaning: "Always 1; its labels tell what runs.",
  },
  processResidentMemory: {
    name: "process_resident_memory_bytes",
    kind: "gauge",
    unit: "By",
    labels: {},
    meaning: "Memory the process holds.",
  },
  processCpu: {
    name: "process_cpu_seconds_total",
    kind: "observedCounter",
    unit: "s",
    labels: {},
    meaning: "CPU time used, user and system together.",
  },
  processStartTime: {
    name: "process_start_time_seconds",
    kind: "gauge",
    unit: "s",
    labels: {},
    meaning: "When the process started, in seconds since 1970.",
  },
  eventLoopLagP99: {
    name: "nodejs_eventloop_lag_p99_seconds",
    kind: "gauge",
    unit: "s",
    labels: {},
    meaning: "How late timers fire, 99th percentile since the scrape before: time in which nothing else could run.",
  },
  heapUsed: {
    name: "nodejs_heap_size_used_bytes",
    kind: "gauge",
    unit: "By",
    labels: {},
    meaning: "JavaScript heap in use.",
  },
} as const satisfies Record<string, Instrument>;

/** The groups of metrics in the order in which docs/metrics.md shows them. */
export const groups = {
  Calls: calls,
  Writing: appends,
  Database: database,
  Queue: queue,
  Log: log,
  Process: processes,
} as const;

/** Every metric, by the name it has in the program. */
export const instruments = { ...calls, ...appends, ...database, ...queue, ...log, ...processes } as const;
