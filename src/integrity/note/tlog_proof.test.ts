import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NoteError } from "./note_error.ts";
import { formatTlogProof, parseTlogProof } from "./tlog_proof.ts";

const CHECKPOINT = "example.com/log\n3\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n— example.com/log AAAAAAA=\n";
// A hash of the example of C2SP tlog-proof.
const HASH = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=";

test("a proof is written line by line as tlog-proof says", () => {
  const hashes = [Buffer.from(HASH, "base64")];
  assert.equal(
    formatTlogProof({ extra: Buffer.from("extra data"), index: 73_894, hashes, checkpoint: CHECKPOINT }),
    `c2sp.org/tlog-proof@v1\nextra ZXh0cmEgZGF0YQ==\nindex 73894\n${HASH}\n\n${CHECKPOINT}`,
  );
  assert.equal(
    formatTlogProof({ index: 0, hashes: [], checkpoint: CHECKPOINT }),
    `c2sp.org/tlog-proof@v1\nindex 0\n\n${CHECKPOINT}`,
  );
});

test("a proof reads back as it was written", () => {
  const bytes = (least: number, most: number) =>
    fc.uint8Array({ minLength: least, maxLength: most }).map((value) => Buffer.from(value));
  const proof = fc.record(
    {
      extra: bytes(1, 300),
      index: fc.maxSafeNat(),
      hashes: fc.array(bytes(32, 32), { maxLength: 53 }),
      checkpoint: fc.constant(CHECKPOINT),
    },
    { requiredKeys: ["index", "hashes", "checkpoint"], noNullPrototype: true },
  );
  fc.assert(fc.property(proof, (given) => assert.deepEqual(parseTlogProof(formatTlogProof(given)), given)));
});

test("what is no proof is refused", () => {
  const proof = `c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n${HASH}\n\n${CHECKPOINT}`;
  assert.equal(parseTlogProof(proof).index, 1);
  const wrong = [
    "",
    proof.replace("@v1", "@v2"),
    proof.replace("c2sp", " c2sp"),
    proof.replaceAll("\n", "\r\n"),
    proof.replace("extra AAAA", "extra "),
    proof.replace("extra AAAA", "extra"),
    proof.replace("extra AAAA", "extra AAB"),
    proof.replace("extra AAAA", "extra AAB="),
    proof.replace("extra AAAA", "extra !!!!"),
    proof.replace("extra AAAA", "extra AAAA\nextra AAAA"),
    proof.replace("index 1\n", ""),
    proof.replace("index 1", "index 01"),
    proof.replace("index 1", "index -1"),
    proof.replace("index 1", "index"),
    proof.replace("index 1", "index  1"),
    proof.replace("index 1", "index 9007199254740992"),
    proof.replace("extra AAAA\nindex 1", "index 1\nextra AAAA"),
    proof.replace(HASH, HASH.slice(4)),
    proof.replace(HASH, HASH.replace("lQ=", "lR=")),
    proof.replace(HASH, `${HASH}\n`.repeat(54).trimEnd()),
    proof.replace(CHECKPOINT, ""),
    proof.replace(CHECKPOINT, `\n${CHECKPOINT.split("\n\n")[1]}`),
    proof.replace("\n\n", "\n"),
    `${proof}more\n`,
    proof.replace("AAAA", "AAAA".repeat(2 ** 18)),
  ];
  assert.throws(() => parseTlogProof("c2sp.org/tlog-proof@v1\nindex 1\n"), /an empty line before its checkpoint/);
  for (const text of wrong) assert.throws(() => parseTlogProof(text), NoteError, JSON.stringify(text.slice(0, 200)));
});
