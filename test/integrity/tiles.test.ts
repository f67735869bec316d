// The log over plain HTTP, as https://c2sp.org/tlog-tiles says, of a whole service.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { CompactRange } from "../../src/integrity/merkle/compact_range.ts";
import { leafHash } from "../../src/integrity/merkle/hash.ts";
import { parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { parseNote, verifyNote } from "../../src/integrity/note/signed_note.ts";
import { parseVerifierKey } from "../../src/integrity/note/verifier.ts";
import { startLogSite, TEST_ORIGIN } from "../support/log_site.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Paths that name no tile, though they look like some: all are 404, and none an error. */
const NONE = [
  ..."/tile /tile/ /tile/0 /tile/0/ /tile//000 /tile/000 /tile/entries /tile/entries/ /tile/data/000 /tile/8/0/000".split(
    " ",
  ),
  ..."/tile/00/000 /tile/01/000 /tile/+0/000 /tile/-1/000 /tile/0x0/000 /tile/64/000 /tile/999999999999999999/000".split(
    " ",
  ),
  ..."/tile/0/0 /tile/0/00 /tile/0/0000 /tile/0/x000/000 /tile/0/001/067 /tile/0/x001/x067 /tile/0/X001/067".split(" "),
  ..."/tile/0/000/ /tile/0//000 /tile/0/000.p /tile/0/000.p/ /tile/0/000.p/0 /tile/0/000.p/00 /tile/0/000.p/01".split(
    " ",
  ),
  ..."/tile/0/000.p/256 /tile/0/000.p/257 /tile/0/000.p/1000 /tile/0/000.p/-1 /tile/0/000.p/1.p/1 /tile/0/000.P/1".split(
    " ",
  ),
  ..."/tile/0/000.p/1/ /tile/entries/000.p/0 /tile/entries/000.p/256 /tile/0/%30%30%30 /tile/0/000%2Ep/1".split(" "),
  ..."/tile/../checkpoint /tile/0/../0/000 /checkpoint/ /Checkpoint /checkpoint.p/1 //checkpoint".split(" "),
  `/tile/0/${"x999/".repeat(5)}999`,
  `/tile/0/${"x999/".repeat(6)}999`,
  `/tile/63/x009/x007/x199/x254/x740/991`,
  `/tile/63/000.p/1`,
  `/tile/entries/${"x123/".repeat(2000)}456`,
  `/tile/0/${"0".repeat(10_000)}`,
];

const site = await startLogSite({ after });

describe("the log over plain HTTP", () => {
  let session: ClientHttp2Session;
  /** Entries, as the bundles have them. */
  const entries: Buffer[] = [];

  const overHttp2 = async (path: string, method = "GET"): Promise<Answer> => {
    const stream = session.request({ ":path": path, ":method": method });
    const [headers] = await once(stream, "response");
    return { status: headers[":status"], headers, body: await buffer(stream) };
  };
  const overHttp1 = async (path: string, method = "GET"): Promise<Answer> => {
    const [host, port] = site.address.split(":");
    const sent = request({ host, port, method, path, agent: false });
    sent.end();
    const [response] = await once(sent, "response");
    return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
  };
  const get = async (path: string): Promise<Buffer> => {
    const { status, body } = await overHttp2(path);
    assert.equal(status, 200, path);
    return body;
  };
  const status = async (path: string) => (await overHttp2(path)).status;

  before(async () => {
    session = connect(`http://${site.address}`);
    await site.record(300, "rr-tiles");
    const size = await settledSize();
    for (let index = 0; index * 256 < size; index++) {
      const width = Math.min(256, size - index * 256);
      entries.push(...unpack(await get(`/tile/entries/00${index}${width === 256 ? "" : `.p/${width}`}`)));
    }
  });
  after(() => session?.close());

  /** Entries that the checkpoint covers: the service's own first event may come late, and nothing is added behind it. */
  async function settledSize(): Promise<number> {
    for (;;) {
      const { treeSize, logSize, pendingEvents } = await site.integrity.getCheckpoint({});
      if (treeSize === logSize && pendingEvents === 0n && treeSize > 300n) return Number(treeSize);
    }
  }

  it("serves the published checkpoint, signed, and not to be kept for long", async () => {
    for (const ask of [overHttp1, overHttp2]) {
      const { status, headers, body } = await ask("/checkpoint");
      assert.equal(status, 200);
      assert.equal(headers["content-type"], "text/plain; charset=utf-8");
      assert.match(String(headers["cache-control"]), /max-age=1$/);
      const note = parseNote(body.toString());
      const { verifierKeys } = await site.integrity.getCheckpoint({});
      const verifiers = verifierKeys.map(({ verifierKey }) => parseVerifierKey(verifierKey));
      const signers = verifyNote(note, verifiers).map(({ verifier }) => verifier.name);
      assert.deepEqual(signers.sort(), [TEST_ORIGIN, `${TEST_ORIGIN}/cosigner`]);
      const checkpoint = parseCheckpoint(note.text);
      assert.deepEqual([checkpoint.origin, checkpoint.size], [TEST_ORIGIN, entries.length]);
      const range = new CompactRange();
      for (const entry of entries) range.append(leafHash(entry));
      assert.deepEqual(checkpoint.root, range.root());
    }
  });

  it("serves tiles and bundles for ever, full and at every width that they had", async () => {
    const leaves = Buffer.concat(entries.map((entry) => leafHash(entry)));
    for (const ask of [overHttp1, overHttp2]) {
      const { headers, body } = await ask("/tile/0/000?cached=no");
      assert.deepEqual(body, leaves.subarray(0, 8192));
      assert.equal(headers["content-type"], "application/octet-stream");
      assert.match(String(headers["cache-control"]), /max-age=31536000, immutable$/);
    }
    for (const width of [1, 2, 100, 254, 255]) {
      assert.deepEqual(await get(`/tile/0/000.p/${width}`), leaves.subarray(0, 32 * width));
      assert.deepEqual(unpack(await get(`/tile/entries/000.p/${width}`)), entries.slice(0, width));
    }
    const rest = entries.length - 256;
    for (const width of [1, 44, rest]) {
      assert.deepEqual(await get(`/tile/0/001.p/${width}`), leaves.subarray(8192, 8192 + 32 * width));
      assert.deepEqual(unpack(await get(`/tile/entries/001.p/${width}`)), entries.slice(256, 256 + width));
    }
    const range = new CompactRange();
    for (const entry of entries.slice(0, 256)) range.append(leafHash(entry));
    assert.deepEqual(await get("/tile/1/000.p/1"), range.root());
  });

  it("has nothing that the checkpoint does not cover", async () => {
    const rest = entries.length - 256;
    for (const path of ["0/001", `0/001.p/${rest + 1}`, "0/002.p/1", "1/000", "1/000.p/2", "1/001.p/1", "2/000.p/1"]) {
      assert.equal(await status(`/tile/${path}`), 404, path);
    }
    for (const path of ["001", `001.p/${rest + 1}`, "002.p/1", "x001/000"]) {
      assert.equal(await status(`/tile/entries/${path}`), 404, path);
    }
  });

  for (const [version, ask] of Object.entries({ "HTTP/1.1": overHttp1, "HTTP/2": overHttp2 })) {
    it(`has nothing at paths that are no tiles, over ${version}`, async () => {
      const answers = await Promise.all(NONE.map(async (path) => [path.slice(0, 80), (await ask(path)).status]));
      assert.deepEqual(
        answers,
        NONE.map((path) => [path.slice(0, 80), 404]),
      );
    });

    it(`answers HEAD with the length, and refuses other verbs, over ${version}`, async () => {
      const head = await ask("/tile/entries/000", "HEAD");
      assert.deepEqual([head.status, head.headers["content-length"], head.body.byteLength], [200, "8704", 0]);
      assert.equal((await ask("/checkpoint", "HEAD")).headers["content-type"], "text/plain; charset=utf-8");
      assert.equal((await ask("/tile/0/001", "HEAD")).status, 404);
      for (const path of ["/checkpoint", "/tile/0/000"]) assert.equal((await ask(path, "POST")).status, 405);
    });
  }
});

/** The entries of a bundle. */
function unpack(bundle: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bundle.byteLength; at += 34) {
    assert.equal(bundle.readUInt16BE(at), 32);
    found.push(bundle.subarray(at + 2, at + 34));
  }
  return found;
}
