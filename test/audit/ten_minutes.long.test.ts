// PostgreSQL is stopped for ten minutes while clients go on sending; everything is real, and processes of their own.
// DATASTORAGE_TEST_OUTAGE_SECONDS shortens the outage.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Redis } from "ioredis";
import postgres from "postgres";
import { countMissing, startPushers } from "../../bench/overload/pushers.ts";
import { startServiceWith } from "../../bench/processes.ts";
import { DEAD_LETTER_KEYS, QUEUE_KEYS } from "../../src/deadletter/keys.ts";
import { freePort } from "../../src/embedded/port.ts";
import { type EmbeddedPostgres, startPostgres } from "../../src/embedded/postgres.ts";
import type { Sql } from "../../src/postgres/pool.ts";
import { startTestValkey } from "../support/valkey.ts";

const OUTAGE_SECONDS = Number(process.env["DATASTORAGE_TEST_OUTAGE_SECONDS"] ?? 600);
/** What is sent throughout: ten minutes of it are within the bounds that the queue has by default. */
const LOAD = { streams: 8, connections: 2, processes: 2, batch: 25 };
const EVENTS_PER_SECOND = 500;
/** Seconds for which direct ingest is measured, after some to warm up. */
const DIRECT_SECONDS = 15;
const WARM_UP_SECONDS = 5;
/** The part of the rate of direct ingest at which the queue must be drained. */
const DRAIN_SHARE = 0.5;

describe("ten minutes", () => {
  test("an outage of ten minutes under load: nothing lost, no dead letter, drained at half the rate of direct ingest or more", {
    timeout: (OUTAGE_SECONDS + 300) * 1000,
  }, async (t) => {
    const site = await startSite(t);
    if (site === undefined) return t.skip("no Valkey");
    const { address, redis } = site;
    const directRate = await measureDirect(address);

    const pushers = startPushers({ ...LOAD, address, eventsPerSecond: EVENTS_PER_SECOND, firstStream: LOAD.streams });
    t.after(async () => pushers.kill());
    const lasts = (seconds: number) => Promise.race([wait(seconds * 1000), pushers.failed]);
    await lasts(WARM_UP_SECONDS);
    await site.postgres.stop();
    await lasts(OUTAGE_SECONDS);
    const depth = await depthOf(redis, QUEUE_KEYS);
    const waiting = pushers.counts.queued;
    await site.startPostgres();
    const drainSeconds = await Promise.race([secondsToDrain(redis), pushers.failed]);
    const { queued } = pushers.counts;
    const batches = await pushers.end();
    await secondsToDrain(redis);

    const drainRate = queued / drainSeconds;
    const ratio = drainRate / directRate;
    t.diagnostic(
      `${waiting} events in ${depth} entries after ${OUTAGE_SECONDS} s; direct ${Math.round(directRate)} events/s, ` +
        `drained ${queued} events in ${drainSeconds.toFixed(1)} s, ${Math.round(drainRate)} events/s, ratio ${ratio.toFixed(2)}`,
    );
    const { exhausted, unavailable, otherwise } = pushers.counts;
    assert.deepEqual([exhausted, unavailable, otherwise], [0, 0, 0], "nothing was refused");
    assert.ok(waiting >= 0.9 * OUTAGE_SECONDS * EVENTS_PER_SECOND, `${waiting} events were queued`);
    assert.equal(await depthOf(redis, DEAD_LETTER_KEYS), 0, "dead letters");
    const sql = postgres(site.postgres.url, { max: 1 });
    const missing = await countMissing(sql as unknown as Sql, batches, LOAD.batch);
    const [stored] = await sql.unsafe(STORED, [LOAD.streams]);
    await sql.end();
    assert.equal(missing, 0, "acknowledged and not stored");
    assert.deepEqual(stored, { events: batches.length * LOAD.batch, out_of_order: 0 });
    assert.ok(ratio >= DRAIN_SHARE, `drained at ${ratio.toFixed(2)} of the rate of direct ingest`);
  });
});

/** Events of streams from number $1 on; ids tell stream, batch and place (bench/overload/batch_template.ts). */
const STORED = `
  SELECT count(*)::int AS events, count(*) FILTER (WHERE before > place)::int AS out_of_order
  FROM (
    SELECT place, lag(place) OVER (PARTITION BY correlation_id, stream ORDER BY chain_position) AS before
    FROM (
      SELECT correlation_id, chain_position, substr(event_id::text, 16, 3) AS stream,
        right(event_id::text, 12) || substr(event_id::text, 21, 3) AS place
      FROM audit_events
    ) AS event
    WHERE stream >= lpad(to_hex($1::int), 3, '0')
  ) AS pair`;

interface Site {
  readonly address: string;
  readonly redis: Redis;
  readonly postgres: EmbeddedPostgres;
  startPostgres(): Promise<void>;
}

/** Undefined: there is no Valkey to be had. */
async function startSite(scope: { after(hook: () => Promise<void>): void }): Promise<Site | undefined> {
  const valkey = await startTestValkey();
  if (typeof valkey === "string") return undefined;
  const started = [() => valkey.stop()];
  // The service first, the stores after it.
  scope.after(async () => {
    for (const stop of started.reverse()) await stop();
  });
  const dataDir = await mkdtemp(join(tmpdir(), "datastorage-ten-minutes-"));
  const port = await freePort();
  const start = () => startPostgres({ dataDir, port, log: { info() {}, warn() {} } });
  let server = await start();
  started.push(async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const service = await startServiceWith({
    PATH: process.env["PATH"],
    DATASTORAGE_LOG_LEVEL: "silent",
    DATABASE_URL: server.url,
    VALKEY_URL: valkey.url,
  });
  started.push(() => service.stop());
  return {
    address: service.address,
    redis: valkey.admin,
    get postgres() {
      return server;
    },
    async startPostgres() {
      server = await start();
    },
  };
}

/** Events a second that the same streams have recorded when they push without pause. */
async function measureDirect(address: string): Promise<number> {
  const pushers = startPushers({ ...LOAD, address });
  try {
    await Promise.race([wait(WARM_UP_SECONDS * 1000), pushers.failed]);
    const [before, begun] = [pushers.counts.recorded, performance.now()];
    await Promise.race([wait(DIRECT_SECONDS * 1000), pushers.failed]);
    const rate = (pushers.counts.recorded - before) / ((performance.now() - begun) / 1000);
    await pushers.end();
    return rate;
  } finally {
    pushers.kill();
  }
}

/** Seconds from when the queue begins to become shorter until nothing waits. */
async function secondsToDrain(redis: Redis): Promise<number> {
  let most = 0;
  let begun: number | undefined;
  for (;;) {
    const depth = await depthOf(redis, QUEUE_KEYS);
    if (depth < most) begun ??= performance.now();
    if (depth === 0) return (performance.now() - (begun ?? performance.now())) / 1000;
    most = Math.max(most, depth);
    await wait(10);
  }
}

async function depthOf(redis: Redis, keys: Readonly<Record<string, string>>): Promise<number> {
  const lengths = await Promise.all(Object.values(keys).map((key) => redis.xlen(key)));
  return lengths.reduce((a, b) => a + b);
}
