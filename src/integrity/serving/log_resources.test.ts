import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../../fault.ts";
import type { LogState } from "../log/log_reader.ts";
import { EMPTY_ROOT } from "../merkle/hash.ts";
import { tileKey } from "../merkle/tile.ts";
import { logResources } from "./log_resources.ts";

const never = new AbortController().signal;

/** A log whose state and stored hashes the test says; counts how often the state is read. */
function site(publishedSize: number, stored: number) {
  const log = { publishedSize, publishedNote: undefined as string | undefined, reads: 0, fault: undefined as unknown };
  const hashes = Buffer.from(Array.from({ length: 32 * stored }, (_, at) => Math.floor(at / 32)));
  const [checkpoint, tile] = logResources({
    log: {
      async state(): Promise<LogState> {
        log.reads += 1;
        if (log.fault !== undefined) throw log.fault;
        const { publishedSize, publishedNote } = log;
        const origin = "log.example";
        return {
          ...{ size: stored, root: EMPTY_ROOT, origin, signedSize: stored },
          ...{ publishedSize, publishedNote, publishedTime: undefined },
        };
      },
    },
    tiles: {
      tiles: async (ids) => new Map(ids.filter(({ index }) => index === 0).map((id) => [tileKey(id), hashes])),
      entries: async (indexes) => new Map(indexes.filter((index) => index === 0).map((index) => [index, hashes])),
    },
  });
  const read = async (path: string) => (await tile?.read(path, never))?.body.byteLength;
  return { log, read, checkpoint: () => checkpoint?.read("/checkpoint", never) };
}

test("what is indexed and not published is not there, until it is published", async () => {
  const { log, read } = site(10, 20);
  assert.equal(await read("/tile/0/000.p/10"), 320);
  assert.equal(await read("/tile/entries/000.p/10"), 340);
  for (const path of ["/tile/0/000.p/11", "/tile/entries/000.p/11", "/tile/0/000.p/20"]) {
    assert.equal(await read(path), undefined, path);
  }
  log.publishedSize = 20;
  assert.equal(await read("/tile/0/000.p/20"), 640);
});

test("what is known to be covered is not asked for again at once", async () => {
  const { log, read } = site(10, 10);
  for (let width = 1; width <= 10; width++) assert.equal(await read(`/tile/0/000.p/${width}`), 32 * width);
  assert.ok(log.reads < 10, `${log.reads}`);
});

test("a tile that has not come as far again is not there", async () => {
  const { read } = site(300, 20);
  assert.equal(await read("/tile/0/000"), undefined);
  assert.equal(await read("/tile/0/001.p/44"), undefined);
  assert.equal(await read("/tile/0/000.p/21"), undefined);
  assert.equal(await read("/tile/0/000.p/20"), 640);
});

test("levels count what lies under them", async () => {
  const { log, read } = site(255, 1);
  assert.equal(await read("/tile/1/000.p/1"), undefined);
  log.publishedSize = 256;
  assert.equal(await read("/tile/1/000.p/1"), 32);
  log.publishedSize = 65_535;
  assert.equal(await read("/tile/2/000.p/1"), undefined);
  log.publishedSize = 65_536;
  assert.equal(await read("/tile/2/000.p/1"), 32);
  assert.equal(await read("/tile/63/000.p/1"), undefined);
});

test("no checkpoint is served before one is published, and none while the database is away", async () => {
  const { log, read, checkpoint } = site(0, 5);
  assert.equal(await checkpoint(), undefined);
  log.publishedNote = "note";
  assert.equal((await checkpoint())?.body.toString(), "note");
  log.fault = new Fault("unavailable", "away", { reason: "DATABASE_UNAVAILABLE" });
  await assert.rejects(async () => checkpoint(), /away/);
  await assert.rejects(read("/tile/0/000.p/1"), /away/);
});
