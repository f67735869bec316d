// A database, a Valkey and any number of processes that drain, for tests of the consumer with real servers.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type postgres from "postgres";
import { HeadCache } from "../../src/audit/append/head_cache.ts";
import { openQueueAppender, type QueueAppender } from "../../src/audit/append/queue_appender.ts";
import type { PreparedEvent } from "../../src/audit/prepare.ts";
import { type Drainer, type DrainerParts, startDrainer } from "../../src/deadletter/drainer.ts";
import { encodeEntry, queueOrder } from "../../src/deadletter/entry.ts";
import { DEAD_LETTER_KEYS, type StreamName } from "../../src/deadletter/keys.ts";
import { type ReadLetter, readLetter } from "../../src/deadletter/letter.ts";
import type { EntryPlace, QueueLimits } from "../../src/deadletter/queue_store.ts";
import { Availability } from "../../src/postgres/availability.ts";
import { Database } from "../../src/postgres/database.ts";
import { openStoresSite } from "./stores_site.ts";
import type { TcpProxy } from "./tcp_proxy.ts";
import { type NotedLog, type OpenStore, openStore, ROOMY, type TestValkey } from "./valkey.ts";

/** What a drainer told, and a way to wait for more. */
export interface Watched extends NotedLog {
  readonly drainer: Drainer;
  readonly open: OpenStore;
  readonly appender: QueueAppender;
  /** `retried events`, `dead events refused 1`, `breaker open`, … in order. */
  readonly told: string[];
  readonly settled: EntryPlace[];
  /** Resolves when it holds; looked at whenever something is told or settled. */
  until(holds: () => boolean): Promise<void>;
}

export interface DrainSite {
  readonly valkey: TestValkey;
  /** Stands before the database for everything that drains. */
  readonly proxy: TcpProxy;
  /** The database, through the proxy. */
  readonly databaseUrl: string;
  /** The database itself. */
  readonly directUrl: string;
  readonly admin: postgres.Sql;
  /** A store over the site's Valkey, as another process has it. */
  openStore(): Promise<OpenStore>;
  appender(url?: string): QueueAppender;
  /** Queues each list as entries of its own; gives their places. */
  queue(...lists: (readonly PreparedEvent[])[]): Promise<EntryPlace[]>;
  drain(options?: Partial<DrainerParts>): Promise<Watched>;
  /** The ids stored of a correlation, in the order of its chain. */
  stored(correlationId: string): Promise<string[]>;
  count(): Promise<number>;
  letters(stream: StreamName): Promise<ReadLetter[]>;
}

/** Opens a site; undefined where no Valkey can be had, and the test is skipped. */
export async function openSite(t: TestContext, limits: Partial<QueueLimits> = {}): Promise<DrainSite | undefined> {
  const site = await openStoresSite(t, "drain");
  if (site === undefined) return undefined;
  const { valkey, proxy, databaseUrl: url, admin, closing } = site;

  const whole = { ...ROOMY, ...limits };
  const openAnother = async () => {
    const open = openStore(valkey.url, { limits: whole });
    closing.push(() => open.close());
    await open.reaches("ready");
    return open;
  };
  const appender = (databaseUrl = url) => {
    const made = openAppender(databaseUrl);
    closing.push(made.close);
    return made.appender;
  };
  const own = await openAnother();
  return {
    valkey,
    proxy,
    databaseUrl: url,
    directUrl: site.directUrl,
    admin,
    openStore: openAnother,
    appender,
    async queue(...lists) {
      const entries = lists.flatMap((events) =>
        queueOrder(events).map(({ stream, events: some }) => ({
          stream,
          fields: encodeEntry(some, "2026-05-13T21:24:05.000Z", "the database is away"),
        })),
      );
      const sequences = await own.store.add(entries);
      return entries.map(({ stream }, index) => ({ stream, sequence: sequences[index] as number }));
    },
    async drain(options = {}) {
      const open = await openAnother();
      const watched = watch(open, options.appender ?? appender(), options);
      closing.push(() => watched.drainer.stop());
      return watched;
    },
    async stored(correlationId) {
      const rows = await admin<{ event_id: string }[]>`
        SELECT event_id FROM audit_events WHERE correlation_id = ${correlationId} ORDER BY chain_position`;
      return rows.map(({ event_id }) => event_id);
    },
    async count() {
      const [row] = await admin<{ count: number }[]>`SELECT count(*)::int AS count FROM audit_events`;
      return row?.count ?? 0;
    },
    async letters(stream) {
      const found = await valkey.admin.xrange(DEAD_LETTER_KEYS[stream], "-", "+");
      return found.map(([, list]) => {
        const fields: Record<string, string> = {};
        for (let at = 0; at < list.length; at += 2) fields[list[at] as string] = list[at + 1] as string;
        return readLetter(fields);
      });
    },
  };
}

/** What a process appends with, over connections of its own. */
export function openAppender(url: string): { appender: QueueAppender; close: () => Promise<void> } {
  const connect = (use: string) =>
    new Database({ url, connections: 1, applicationName: `test ${use}`, statementTimeoutMs: 5000 });
  const [lane, probe] = [connect("drain"), connect("probe")];
  const availability: Availability = new Availability(probe, () => appender.changed());
  const observer = { attempt() {}, retry() {}, recorded() {}, defect() {} };
  const appender: QueueAppender = openQueueAppender(lane, availability, {
    heads: new HeadCache(1000),
    ensureMonths: async () => {},
    observer,
  });
  availability.begin();
  return {
    appender,
    async close() {
      availability.close();
      await Promise.all([lane.end(), probe.end()]);
    },
  };
}

function watch(open: OpenStore, appender: QueueAppender, options: Partial<DrainerParts>): Watched {
  const told: string[] = [];
  const settled: EntryPlace[] = [];
  const waiters = new Set<() => void>();
  const tell = (what: string) => {
    told.push(what);
    for (const look of waiters) look();
  };
  const drainer = startDrainer({
    store: open.store,
    appender,
    owner: open.store.consumer,
    tries: 3,
    retryWaitMs: 20,
    log: open.log,
    observer: {
      retried: (stream) => tell(`retried ${stream}`),
      claimed: (stream, entries) => tell(`claimed ${stream} ${entries}`),
      deadLetters: (stream, reason, events) => tell(`dead ${stream} ${reason} ${events}`),
      deadLettersFull: (stream, full) => tell(`full ${stream} ${full}`),
      breaker: (state) => tell(`breaker ${state}`),
      replaced: () => tell("replaced"),
    },
    onSettled: (entries) => {
      settled.push(...entries);
      for (const look of waiters) look();
    },
    ...options,
  });
  return {
    lines: open.lines,
    log: open.log,
    drainer,
    open,
    appender,
    told,
    settled,
    until: (holds) =>
      new Promise((resolve) => {
        const look = () => {
          if (!holds()) return;
          waiters.delete(look);
          resolve();
        };
        waiters.add(look);
        look();
      }),
  };
}

/** Has the database refuse events with this error_code, as a poison event is refused: `refuse` and, later, `accept`. */
export async function refuse(admin: postgres.Sql, errorCode: string): Promise<void> {
  assert.match(errorCode, /^[a-z]+$/);
  await admin.unsafe(
    `ALTER TABLE audit_events ADD CONSTRAINT refuses_${errorCode} CHECK (error_code IS DISTINCT FROM '${errorCode}') NOT VALID`,
  );
}

export async function accept(admin: postgres.Sql, errorCode: string): Promise<void> {
  await admin.unsafe(`ALTER TABLE audit_events DROP CONSTRAINT refuses_${errorCode}`);
}
