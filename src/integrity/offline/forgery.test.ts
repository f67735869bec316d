// What somebody makes who knows the format: bundles that read otherwise than they are proven, or that cost whoever reads them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { bundleFiles, type EventObject, logOf, packed, removed, sealed } from "../../../test/support/bundle.ts";
import { changed, flawOf, inChunks, LOG, LOG_KEY, ofLog, verified } from "../../../test/support/bundle_checks.ts";
import { verifyBundle } from "./verify_bundle.ts";

const DEEP = 200_000;
const deep = (inner: string) => `${'{"a":'.repeat(DEEP)}${inner}${"}".repeat(DEEP)}`;

describe("a line that others read otherwise", () => {
  /** The bundle with the first event's line as it is written anew, and all of it sealed. */
  const written = (change: (line: string) => string) =>
    sealed(
      changed(ofLog(), "events-000001.jsonl", (text) => text.replace(/\n.*/, (line) => `\n${change(line.slice(1))}`)),
    );

  const twice: readonly (readonly [string, (line: string) => string])[] = [
    ["a member", (line) => line.replace("{", '{"actor_id":"somebody else",')],
    ["a member under another spelling", (line) => line.replace("{", '{"actor\\u005fid":"somebody else",')],
    [
      "a member of the payload",
      (line) => line.replace('"occurrence_count"', '"occurrence_count":9,"occurrence_count"'),
    ],
    ["a member behind a quote", (line) => line.replace("{", '{"actor_id":"\\\\\\":",')],
    ["a member with space around it", (line) => line.replace("{", '{"log_index" \t: 7,')],
  ];
  for (const [name, change] of twice) {
    test(`names ${name} twice: refused`, async () => {
      const flaw = await flawOf(verified(written(change)));
      assert.match(flaw.message, /^events-000001\.jsonl:2: names a member twice/);
    });
  }

  test("colons, quotes and braces in texts are no members", async () => {
    const data = { 'a":': '{"b":1,"b":1}', "\\": ":", "": { ":": [":", '\\":', { __proto__: null, b: "}" }] } };
    await verified(bundleFiles(logOf([{ correlation: "rr-1", data }])));
  });

  test("a proof that names a member twice is refused", async () => {
    const files = changed(ofLog({ lines: LOG.slice(3) }), "proof-000001.jsonl", (text) =>
      text.replace('"first":0', '"first":9,"first":0'),
    );
    assert.match((await flawOf(verified(sealed(files)))).message, /^proof-000001\.jsonl:1: names a member twice/);
  });

  test("a lone surrogate is no text, whatever it is hashed as", async () => {
    const log = logOf([{ correlation: "rr-1", more: { error_message: "pod \ufffd" } }]);
    const files = changed(bundleFiles(log), "events-000001.jsonl", (text) => text.replace("\ufffd", "\\udc00"));
    assert.match((await flawOf(verified(sealed(files)))).message, /error_message must be a string/);
  });
});

test("a removed event is of its correlation only where the event after it says so", async () => {
  const unlinked = async (...gone: readonly number[]) => {
    const own = LOG.filter(({ correlation_id: id }) => id === "rr-1");
    const lines = own.map((line, index) => (gone.includes(index) ? removed(line) : line));
    return (await verified(ofLog({ lines, filter: { correlation_id: "rr-1" } }))).unlinked;
  };
  assert.deepEqual([await unlinked(), await unlinked(2), await unlinked(0, 3)], [0, 0, 0]);
  assert.deepEqual([await unlinked(6), await unlinked(2, 3), await unlinked(4, 5, 6)], [1, 1, 3]);
  // The last event of another chain, said to be the one that comes next in this.
  const own = LOG.filter(({ correlation_id: id, log_index: at }) => id === "rr-1" && Number(at) < 18);
  const other = LOG.find(({ correlation_id: id, chain_position: at }) => id === "rr-0" && at === own.length + 1);
  const lines = [...own, { ...removed(other as EventObject), correlation_id: "rr-1" } as EventObject];
  assert.equal((await verified(ofLog({ lines, filter: { correlation_id: "rr-1" } }))).unlinked, 1);
});

describe("what would cost whoever reads it", () => {
  test("a payload, or a filter, nested without end is refused", async () => {
    const payload = changed(ofLog(), "events-000001.jsonl", (text) =>
      text.replace(/"event_data":\{\}/, `"event_data":${deep("{}")}`),
    );
    assert.match((await flawOf(verified(sealed(payload)))).message, /event_data has no RFC 8785 form/);
    const filter = changed(ofLog(), "manifest.json", (text) => text.replace('"filter":{}', `"filter":${deep("{}")}`));
    assert.match((await flawOf(verified(filter))).message, /^manifest\.json: is not in its RFC 8785 form/);
  });

  test("a README of any length, and lines of proofs without number, are refused after a bound", async () => {
    const [readme, checkpoint] = ofLog();
    const long = { name: "README.txt", content: Buffer.alloc(8 * 1024 * 1024, "x") };
    const flaw = await flawOf(verifyBundle(inChunks(gzipSync(await packed([long]))), { keys: [] }));
    assert.match(flaw.message, /^README\.txt: is longer than 1048576 bytes/);
    assert.ok(readme && checkpoint);
    const empty = { name: "proof-000001.jsonl", content: Buffer.alloc(1_000_000, "\n") };
    const chunks = inChunks(await packed([readme, checkpoint, empty]), 500_000);
    assert.match(
      (await flawOf(verifyBundle(chunks, { keys: [LOG_KEY] }))).message,
      /^proof-000001\.jsonl: has more than \d+ lines/,
    );
  });
});
