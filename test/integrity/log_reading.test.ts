// What everyone may ask of the log, and how they hear that it grew.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TileStore } from "../../src/integrity/log/tile_store.ts";
import { appendPlaces, openLogSite } from "./log_site.ts";

test("the log's readers find runs by index and by place, and learn when all is indexed", async (t) => {
  const site = await openLogSite(t);
  const { signal } = t;
  const sql = site.connect();
  await appendPlaces(sql, 1, 1, 10);
  await appendPlaces(sql, 2, 1, 1);
  await appendPlaces(sql, 1, 11, 12);
  const log = site.open();
  assert.equal(await log.reader.settled({ covered: false, timeoutMs: 5_000, signal }), true);
  const state = await log.reader.state(signal);
  assert.deepEqual(
    { ...state, root: state.root.length },
    {
      size: 13,
      root: 32,
      origin: undefined,
      publishedSize: 0,
      publishedNote: undefined,
      publishedTime: undefined,
      signedSize: 0,
    },
  );
  const brief = (run: Awaited<ReturnType<typeof log.reader.runAt>>) =>
    run && [run.correlationId, run.firstLogIndex, run.eventCount, run.firstPosition, run.salt.length];
  const first = ["rr-1", 0, 10, 1, 32];
  assert.deepEqual(brief(await log.reader.runAt(0, signal)), first);
  assert.deepEqual(brief(await log.reader.runAt(9, signal)), first);
  assert.deepEqual(brief(await log.reader.runAt(10, signal)), ["rr-2", 10, 1, 1, 32]);
  assert.deepEqual(brief(await log.reader.runAt(12, signal)), ["rr-1", 11, 2, 11, 32]);
  assert.equal(await log.reader.runAt(13, signal), undefined);
  assert.deepEqual(brief(await log.reader.runOf("rr-1", 10, signal)), first);
  assert.deepEqual(brief(await log.reader.runOf("rr-1", 11, signal)), ["rr-1", 11, 2, 11, 32]);
  assert.equal(await log.reader.runOf("rr-1", 13, signal), undefined);
  assert.equal(await log.reader.runOf("rr-3", 1, signal), undefined);
  assert.deepEqual(await log.reader.keys(signal), []);
  assert.equal(await log.reader.settled({ covered: true, timeoutMs: 50, signal }), false, "nothing is signed");
  await log.close();
  await appendPlaces(sql, 1, 13, 15);
  const { reader } = site.open();
  assert.equal(await reader.settled({ covered: false, timeoutMs: 5_000, signal }), true);
  assert.equal(await reader.pendingEvents(signal), 0);
});

test("who waits hears of the log's growth at once, also after the connection was cut", async (t) => {
  const site = await openLogSite(t);
  const log = site.open();
  const other = site.open();
  const sql = site.connect();
  let took = 0;
  for (let place = 1; place <= 6; place++) {
    if (place === 4) {
      await site.admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'datastorage listener'`;
    }
    const heard = Promise.all([log, other].map(({ growth }) => growth.waitBeyond(place - 1, t.signal, 5_000)));
    await appendPlaces(sql, 1, place, place);
    const appended = performance.now();
    await heard;
    if (place !== 4) took += performance.now() - appended;
    assert.deepEqual([log.growth.size, other.growth.size], [place, place]);
  }
  assert.ok(took < 2_000, `${took} ms for five of them: a look every second would take as many seconds`);
  const started = performance.now();
  await log.growth.waitBeyond(6, t.signal, 30);
  assert.ok(performance.now() - started >= 25);
  const enough = new AbortController();
  const waiting = log.growth.waitBeyond(6, enough.signal, 5_000);
  enough.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});

test("full tiles are kept in memory until the log is found to be shorter; others are read anew", async (t) => {
  const site = await openLogSite(t);
  const sql = site.connect();
  const log = site.open();
  await appendPlaces(sql, 1, 1, 300);
  await log.until(300);
  const read = site.read();
  let statements = 0;
  const run = (...args: Parameters<typeof read.run>) => {
    statements++;
    return read.run(...args);
  };
  const store = new TileStore({ run } as never);
  const ids = [0, 1, 2].map((index) => ({ level: 0, index }));
  const widths = async () => [...(await store.tiles(ids))].map(([key, bytes]) => [key, bytes.length / 32]).sort();
  assert.deepEqual(await widths(), [
    ["0/0", 256],
    ["0/1", 44],
  ]);
  await store.tiles([{ level: 0, index: 0 }]);
  assert.equal(statements, 1);
  assert.deepEqual([...(await store.entries([0, 1]))].map(([index, bytes]) => [index, bytes.length / 32]).sort(), [
    [0, 256],
    [1, 44],
  ]);
  await store.entries([0]);
  assert.equal(statements, 2);
  await appendPlaces(sql, 1, 301, 302);
  await log.until(302);
  assert.deepEqual((await widths())[1], ["0/1", 46]);
  assert.equal(statements, 3);
  store.forget();
  await store.tiles([{ level: 0, index: 0 }]);
  assert.equal(statements, 4);
});
