import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkpointText, parseCheckpoint } from "./checkpoint.ts";
import { NoteError } from "./note_error.ts";

// The example of C2SP tlog-checkpoint.
const EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

test("the example of tlog-checkpoint is read, and written again", () => {
  const checkpoint = parseCheckpoint(EXAMPLE);
  assert.equal(checkpoint.origin, "example.com/behind-the-sofa");
  assert.equal(checkpoint.size, 20_852_163);
  assert.equal(checkpoint.root.toString("base64"), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
  assert.equal(checkpointText(checkpoint), EXAMPLE);
  assert.deepEqual(parseCheckpoint(`${EXAMPLE}an extension\nand one more\n`), checkpoint);
});

test("a checkpoint reads back as it was written", () => {
  const checkpoint = fc.record(
    {
      origin: fc.stringMatching(/^[\x20-\x7eä漢]+$/),
      size: fc.maxSafeNat(),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(checkpoint, (given) => assert.deepEqual(parseCheckpoint(checkpointText(given)), given)));
});

test("what is no checkpoint is refused", () => {
  const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
  const wrong = [
    "",
    "\n\n\n",
    "o\n1\n",
    `o\n1\n${root}`,
    `\n1\n${root}\n`,
    `o\n\n${root}\n`,
    `o\n1\n${root}\n\n`,
    `o\n1\n${root}\nextension`,
    `o\n1\n${root}\n\nextension\n`,
    `o\n01\n${root}\n`,
    `o\n00\n${root}\n`,
    `o\n-1\n${root}\n`,
    `o\n+1\n${root}\n`,
    `o\n1e3\n${root}\n`,
    `o\n 1\n${root}\n`,
    `o\n١\n${root}\n`,
    `o\n9007199254740992\n${root}\n`,
    `o\n1\n${root.slice(0, -1)}\n`,
    `o\n1\n${root.replace("2I=", "2J=")}\n`,
    `o\n1\n${root}=\n`,
    `o\n1\nAAAA\n`,
    `o\r\n1\r\n${root}\r\n`,
    `o\u0000\n1\n${root}\n`,
  ];
  for (const text of wrong) assert.throws(() => parseCheckpoint(text), NoteError, JSON.stringify(text));
  for (const [origin, size, bytes] of [
    ["", 1, 32],
    ["a\nb", 1, 32],
    ["a", -1, 32],
    ["a", 1.5, 32],
    ["a", 1, 31],
  ] as const) {
    assert.throws(() => checkpointText({ origin, size, root: Buffer.alloc(bytes) }), NoteError);
  }
});
