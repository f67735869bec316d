// DeadLetterService over a database and a Valkey of a test's own, without a consumer: what is a dead letter, the test says.
import type { TestContext } from "node:test";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type postgres from "postgres";
import { DeadLetterService } from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { type LogWriter, openLogWriter } from "../../src/audit/append/log_writer.ts";
import type { PreparedEvent } from "../../src/audit/prepare.ts";
import { encodeEntry } from "../../src/deadletter/entry.ts";
import type { StreamName } from "../../src/deadletter/keys.ts";
import { type LetterFacts, toLetter, undecodableLetter } from "../../src/deadletter/letter.ts";
import type { Letter, QueueLimits } from "../../src/deadletter/queue_store.ts";
import { deadLetterRoutes } from "../../src/deadletter/service.ts";
import { startTestServer } from "../rpc/support.ts";
import { openStoresSite } from "./stores_site.ts";
import type { TcpProxy } from "./tcp_proxy.ts";
import { type OpenStore, openStore, ROOMY, type TestValkey } from "./valkey.ts";

export interface LettersSite {
  readonly client: Client<typeof DeadLetterService>;
  /** Host and port. */
  readonly address: string;
  readonly open: OpenStore;
  readonly valkey: TestValkey;
  readonly admin: postgres.Sql;
  /** The database, past the proxy. */
  readonly databaseUrl: string;
  /** Stands between the service and its database. */
  readonly proxy: TcpProxy;
  readonly log: LogWriter;
  /** Makes a dead letter of an event; gives its id. */
  bury(event: PreparedEvent, facts?: Partial<LetterFacts>, stream?: StreamName): Promise<string>;
  /** Makes a dead letter of an entry as it is. */
  buryWhole(fields: Readonly<Record<string, string>>, lastError?: string): Promise<string>;
}

const OWNER = "test";

/** Opens a site; undefined where no Valkey can be had, and the test is skipped. */
export async function openLettersSite(
  t: TestContext,
  limits: Partial<QueueLimits> = {},
): Promise<LettersSite | undefined> {
  const site = await openStoresSite(t, "letters");
  if (site === undefined) return undefined;
  const { valkey, proxy, databaseUrl: url, admin, closing } = site;
  const log = openWriter(url);
  log.availability.begin();
  closing.push(() => log.close(1000));
  const open = openStore(valkey.url, { limits: { ...ROOMY, ...limits } });
  closing.push(() => open.close());
  await open.reaches("ready");
  await open.store.takeLease(OWNER, 600_000);
  const { valkey: link, store } = open;
  const drainer = { status: () => ({ breaker: "closed", draining: false, waiting: 0 }) as const, wake() {} };
  const server = await startTestServer(
    {},
    {
      routes: [
        deadLetterRoutes({
          writer: log.writer,
          log: open.log,
          stores: () => ({
            database: { available: log.availability.available },
            queue: { state: link.state === "ready" ? "available" : "away", reason: link.reason ?? "" },
          }),
          queue: { valkey: link, store, drainer },
        }),
      ],
      services: [DeadLetterService],
    },
  );
  closing.push(() => server.close({ timeoutMs: 1000 }));
  const sessionManager = new Http2SessionManager(server.url);
  closing.push(async () => sessionManager.abort());
  const client = createClient(DeadLetterService, createGrpcTransport({ baseUrl: server.url, sessionManager }));

  const keep = async (stream: StreamName, fields: Readonly<Record<string, string>>, letter: LetterMaker) => {
    const [sequence = 0] = await store.add([{ stream, fields }]);
    const entry = { stream, sequence, fields, bytes: 0, tries: undefined };
    await store.bury(OWNER, entry, [letter(entry)]);
    return `${stream}/${(await store.status()).sequence}`;
  };
  return {
    client,
    address: `127.0.0.1:${server.address.port}`,
    open,
    valkey,
    admin,
    databaseUrl: site.directUrl,
    proxy,
    log,
    bury: (event, facts = {}, stream = "events") =>
      keep(stream, encodeEntry([event], QUEUED, "the database is away"), (entry) =>
        toLetter(event, { ...FACTS, ...facts, entry }),
      ),
    buryWhole: (fields, lastError = "its payload is no JSON") =>
      keep("events", fields, (entry) => undecodableLetter({ ...FACTS, lastError, entry })),
  };
}

type LetterMaker = (entry: LetterFacts["entry"]) => Letter;

const QUEUED = "2026-05-13T21:24:05.000Z";

const FACTS: Omit<LetterFacts, "entry"> = {
  reason: "refused",
  tries: 5,
  firstFailed: "2026-05-13T21:25:00.000Z",
  lastError: "the database refuses it (SQLSTATE 23514)",
  deadLettered: "2026-05-13T21:26:00.000Z",
};

function openWriter(databaseUrl: string): LogWriter {
  const observer = { attempt() {}, retry() {}, recorded() {}, defect() {} };
  return openLogWriter({
    databaseUrl,
    appendTimeoutMs: 5000,
    lanes: 1,
    appendEvents: 1000,
    appendBytes: 2 ** 24,
    lingerMs: 1,
    pendingEvents: 10_000,
    pendingBytes: 2 ** 26,
    ensureMonths: async () => {},
    observer,
    queueObserver: observer,
    traceAppend: async (_calls, _events, run) => run(),
    onAvailability() {},
  });
}
