import { boolean, bytes, duration, hostPort, hostPortOrOff, integer, type Kind, oneOf, path, url } from "./kinds.ts";
import { logOrigin, pem, witnesses } from "./log_kinds.ts";

/** One thing an operator can choose. The table below is all there is: types, checks, `--help` and the reference come from it. */
export interface Setting<T> {
  /** Name of the environment variable, and of the line in the configuration file. */
  readonly variable: string;
  readonly kind: Kind<T>;
  /** What holds when nothing is given, written as an operator would; absent where the setting may stay unset. */
  readonly fallback: string | undefined;
  /** Whether the value may hold a password and is therefore never shown. */
  readonly secret: boolean;
  /** What it does, in one or two sentences of Markdown. */
  readonly description: string;
}

interface About {
  readonly fallback: string;
  readonly description: string;
}

function setting<T>(variable: string, kind: Kind<T>, { fallback, description }: About): Setting<T> {
  return { variable, kind, fallback, secret: false, description };
}

function optional<T>(
  variable: string,
  kind: Kind<T>,
  { description, secret = false }: { readonly description: string; readonly secret?: boolean },
): Setting<T | undefined> {
  return { variable, kind, fallback: undefined, secret, description };
}

/** Where the service listens and how its connections are protected. */
const listening = {
  address: setting("DATASTORAGE_ADDRESS", hostPort, {
    fallback: "127.0.0.1:8080",
    description: "Where gRPC, gRPC-Web and Connect are served. Port 0 takes a free one.",
  }),
  allowPlaintext: setting("DATASTORAGE_ALLOW_PLAINTEXT", boolean, {
    fallback: "false",
    description: "Says that serving other machines without TLS is wanted, for example behind a mesh that encrypts.",
  }),
  tlsCertFile: optional("DATASTORAGE_TLS_CERT_FILE", path, {
    description: "Certificate chain in PEM form. Read again when it changes.",
  }),
  tlsKeyFile: optional("DATASTORAGE_TLS_KEY_FILE", path, {
    description: "Private key of the certificate in PEM form. Read again when it changes.",
  }),
  tlsClientCaFile: optional("DATASTORAGE_TLS_CLIENT_CA_FILE", path, {
    description: "Authorities in PEM form that sign client certificates. Given: every client must show one.",
  }),
} as const;

/** Where events are kept, and how the database is used. */
const storage = {
  dataDir: setting("DATASTORAGE_DATA_DIR", path, {
    fallback: ".datastorage",
    description: "Folder of the embedded PostgreSQL and Valkey and of the service's keys.",
  }),
  databaseUrl: optional("DATABASE_URL", url("postgres", "postgresql"), {
    secret: true,
    description: "PostgreSQL 18 to keep events in. Absent: one is started in the data folder.",
  }),
  valkeyUrl: optional("VALKEY_URL", url("redis", "rediss", "valkey"), {
    secret: true,
    description: "Valkey or Redis to queue events in. Absent: one is started in the data folder.",
  }),
  readConnections: setting("DATASTORAGE_READ_CONNECTIONS", integer(1, 200), {
    fallback: "8",
    description: "Database connections for reading.",
  }),
  appendConnections: setting("DATASTORAGE_APPEND_CONNECTIONS", integer(1, 64), {
    fallback: "3",
    description: "Database connections for appending, and so the number of appends under way at once.",
  }),
  statementTimeoutMs: setting("DATASTORAGE_STATEMENT_TIMEOUT", duration("100ms", "10m"), {
    fallback: "30s",
    description: "The longest that one statement of a reader may run; a caller's earlier deadline shortens it.",
  }),
  retentionDays: setting("DATASTORAGE_RETENTION_DAYS", integer(1, 36_500), {
    fallback: "2555",
    description: "Days an event is kept when it does not say. Partitions of the past are made this far back.",
  }),
  monthsAhead: setting("DATASTORAGE_MONTHS_AHEAD", integer(1, 60), {
    fallback: "12",
    description: "Month partitions that are kept ready in advance.",
  }),
} as const;

/** How events from all callers are gathered into appends, and how many may wait. */
const writing = {
  appendEvents: setting("DATASTORAGE_APPEND_EVENTS", integer(1, 5_000), {
    fallback: "500",
    description: "Most events in one append.",
  }),
  appendBytes: setting("DATASTORAGE_APPEND_BYTES", bytes("512KiB", "64MiB"), {
    fallback: "4MiB",
    description: "Most bytes in one append.",
  }),
  appendLingerMs: setting("DATASTORAGE_APPEND_LINGER", duration("0ms", "1s"), {
    fallback: "1ms",
    description: "How long a lone event waits for company before it is appended.",
  }),
  appendTimeoutMs: setting("DATASTORAGE_APPEND_TIMEOUT", duration("100ms", "10m"), {
    fallback: "5s",
    description:
      "The longest that an append may run before the database counts as away and its events go to the queue; a server that " +
      "says nothing at all is given up 5 s later.",
  }),
  pendingEvents: setting("DATASTORAGE_PENDING_EVENTS", integer(1_000, 10_000_000), {
    fallback: "20000",
    description:
      "Events that may wait to be appended. Beyond it streams are held back and calls get RESOURCE_EXHAUSTED.",
  }),
  pendingBytes: setting("DATASTORAGE_PENDING_BYTES", bytes("1MiB", "64GiB"), {
    fallback: "128MiB",
    description: "Bytes that may wait to be appended; counts against the memory budget.",
  }),
} as const;

/** What waits in Valkey while PostgreSQL cannot take it, and how it is tried again. */
const queueing = {
  queueEntries: setting("DATASTORAGE_QUEUE_ENTRIES", integer(1, 10_000_000), {
    fallback: "10000",
    description:
      "Entries that may wait in each of the queue's two streams; one holds the events of one append. Beyond it callers get " +
      "RESOURCE_EXHAUSTED; nothing is ever trimmed.",
  }),
  queueBytes: setting("DATASTORAGE_QUEUE_BYTES", bytes("1MiB", "1024GiB"), {
    fallback: "1GiB",
    description:
      "Bytes that may wait in both streams together: some 700,000 events of 1 KiB. Valkey needs this much memory, and twice " +
      "as much while it rewrites its file.",
  }),
  queueTries: setting("DATASTORAGE_QUEUE_TRIES", integer(1, 100), {
    fallback: "5",
    description:
      "Tries of an entry that the database refuses before its events are tried one by one and those refused become dead " +
      "letters. An outage counts as none.",
  }),
  queueRetryWaitMs: setting("DATASTORAGE_QUEUE_RETRY_WAIT", duration("10ms", "1m"), {
    fallback: "1s",
    description: "Wait after the first of these tries; it doubles with each, up to a minute, and varies by a quarter.",
  }),
  deadLetterEntries: setting("DATASTORAGE_DEAD_LETTER_ENTRIES", integer(1, 10_000_000), {
    fallback: "10000",
    description:
      "Dead letters that each of the two streams for them may hold. Beyond it what would become one stays in the queue, whose " +
      "stream is not drained further.",
  }),
  deadLetterBytes: setting("DATASTORAGE_DEAD_LETTER_BYTES", bytes("1MiB", "1024GiB"), {
    fallback: "256MiB",
    description: "Bytes of the dead letters in both streams together.",
  }),
} as const;

/** Who signs the log over all events, under what name, and who watches it. */
const log = {
  logKey: optional("DATASTORAGE_LOG_KEY", pem, {
    secret: true,
    description:
      "Ed25519 private key that signs the log, in PKCS#8 PEM form; several one after the other: it is signed with each, and " +
      "what is derived comes from the first. Absent: DATASTORAGE_LOG_KEY_FILE.",
  }),
  logKeyFile: optional("DATASTORAGE_LOG_KEY_FILE", path, {
    description:
      "File with such keys, read at the start. Absent: `log/key.pem` in the data folder of an embedded PostgreSQL, made at the " +
      "first start; with DATABASE_URL the log is then not signed.",
  }),
  logOrigin: optional("DATASTORAGE_LOG_ORIGIN", logOrigin, {
    description:
      "Name of the log, as its checkpoints have it. Absent: the one in use, or one made up at the first start. Another than " +
      "the one in use is refused until `datastorage log new-origin` opens it.",
  }),
  witnesses: optional("DATASTORAGE_WITNESSES", witnesses, {
    description: "Witnesses that are asked to cosign each checkpoint (C2SP tlog-witness).",
  }),
} as const;

/** What a read may cost. */
const reading = {
  scanBudgetRows: setting("DATASTORAGE_SCAN_BUDGET", integer(100, 10_000_000), {
    fallback: "20000",
    description:
      "Rows that a filter without an index may look at for one page; the page then ends early, with a token to go on.",
  }),
  maxTails: setting("DATASTORAGE_MAX_TAILS", integer(1, 100_000), {
    fallback: "100",
    description: "Most callers that follow the log (TailEvents) at once. One that reads nothing costs up to 8 MiB.",
  }),
  maxExports: setting("DATASTORAGE_MAX_EXPORTS", integer(1, 1000), {
    fallback: "8",
    description: "Most exports at once. Each costs up to 25 MiB.",
  }),
} as const;

/** Limits of connections and messages. */
const connections = {
  maxRequestBytes: setting("DATASTORAGE_MAX_REQUEST_BYTES", bytes("64KiB", "64MiB"), {
    fallback: "4MiB",
    description: "Largest request message. A larger one gets RESOURCE_EXHAUSTED before it is read.",
  }),
  maxConnections: setting("DATASTORAGE_MAX_CONNECTIONS", integer(1, 65_535), {
    fallback: "128",
    description: "Most client connections at once.",
  }),
  maxConcurrentStreams: setting("DATASTORAGE_MAX_CONCURRENT_STREAMS", integer(1, 10_000), {
    fallback: "256",
    description: "Most calls at once on one connection.",
  }),
  streamWindowBytes: setting("DATASTORAGE_STREAM_WINDOW", bytes("64KiB", "1GiB"), {
    fallback: "4MiB",
    description: "HTTP/2 flow-control window of one call: what it may send before it is read.",
  }),
  connectionWindowBytes: setting("DATASTORAGE_CONNECTION_WINDOW", bytes("64KiB", "1GiB"), {
    fallback: "16MiB",
    description:
      "HTTP/2 flow-control window of one connection, all of its calls together; counts against the memory budget.",
  }),
  keepaliveIntervalMs: setting("DATASTORAGE_KEEPALIVE_INTERVAL", duration("1s", "2h"), {
    fallback: "30s",
    description: "How often a quiet connection is asked whether it still lives.",
  }),
  keepaliveTimeoutMs: setting("DATASTORAGE_KEEPALIVE_TIMEOUT", duration("100ms", "10m"), {
    fallback: "10s",
    description: "How long the answer to that may take before the connection is closed.",
  }),
  maxConnectionAgeMs: setting("DATASTORAGE_MAX_CONNECTION_AGE", duration("1s", "168h"), {
    fallback: "30m",
    description: "Age (±10 %) at which a connection is asked to go, so that balancers can spread load again.",
  }),
  maxConnectionAgeGraceMs: setting("DATASTORAGE_MAX_CONNECTION_AGE_GRACE", duration("100ms", "1h"), {
    fallback: "1m",
    description: "How long calls of such a connection may take to end.",
  }),
  shutdownTimeoutMs: setting("DATASTORAGE_SHUTDOWN_TIMEOUT", duration("100ms", "10m"), {
    fallback: "20s",
    description: "How long a shutdown may take to settle what is in flight.",
  }),
} as const;

/** What the service tells about itself. */
const telemetry = {
  metricsAddress: setting("DATASTORAGE_METRICS_ADDRESS", hostPortOrOff, {
    fallback: "127.0.0.1:9090",
    description: "Where Prometheus metrics are served, at `/metrics`.",
  }),
  otlpEndpoint: optional("DATASTORAGE_OTLP_ENDPOINT", url("http", "https"), {
    description: "OTLP/HTTP collector for traces; `/v1/traces` is added to its path. Absent: no traces.",
  }),
  otelTracesEndpoint: optional("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url("http", "https"), {
    description: "Read when DATASTORAGE_OTLP_ENDPOINT is absent; used as it is.",
  }),
  otelEndpoint: optional("OTEL_EXPORTER_OTLP_ENDPOINT", url("http", "https"), {
    description: "Read when both above are absent; `/v1/traces` is added to its path.",
  }),
  logLevel: setting("DATASTORAGE_LOG_LEVEL", oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"), {
    fallback: "info",
    description: "The least severe log entries that are written.",
  }),
  logFormat: setting("DATASTORAGE_LOG_FORMAT", oneOf("auto", "json", "text"), {
    fallback: "auto",
    description:
      "Form of the log on stderr: JSON lines, or text for people. `auto` is text on a terminal and JSON elsewhere.",
  }),
} as const;

/** The groups of settings in the order in which `--help` and the reference show them. */
export const sections = {
  Listening: listening,
  Storage: storage,
  Writing: writing,
  Queueing: queueing,
  Log: log,
  Reading: reading,
  Connections: connections,
  Telemetry: telemetry,
} as const;

/** Every setting, by the name it has in the program. */
export const settings = {
  ...listening,
  ...storage,
  ...writing,
  ...queueing,
  ...log,
  ...reading,
  ...connections,
  ...telemetry,
} as const;

export type SettingName = keyof typeof settings;

/** The value of every setting, each by its own rule alone. */
export type Values = {
  readonly [Name in SettingName]: (typeof settings)[Name] extends Setting<infer T> ? T : never;
};

/** Names the configuration file. Of the environment only: a file cannot name another one. */
export const CONFIG_FILE_VARIABLE = "DATASTORAGE_CONFIG_FILE";
