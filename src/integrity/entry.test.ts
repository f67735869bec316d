import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryTiles } from "../../test/support/memory_tiles.ts";
import { vector } from "../../test/support/vectors.ts";
import { ENTRY_FORM, type EntryOpening, entryOf, logSalt, openingText, parseOpening } from "./entry.ts";
import { CompactRange } from "./merkle/compact_range.ts";
import { leafHash } from "./merkle/hash.ts";
import { inclusionProof, verifyInclusion } from "./merkle/proofs.ts";
import { parseCheckpoint } from "./note/checkpoint.ts";
import { parseNote } from "./note/signed_note.ts";
import { formatTlogProof, parseTlogProof } from "./note/tlog_proof.ts";

interface EntryVector {
  readonly log_index: number;
  readonly chain_position: number;
  readonly event_hash: string;
  readonly log_salt: string;
  readonly entry: string;
  readonly leaf_hash: string;
}

interface LogVector {
  readonly form: string;
  readonly run: {
    readonly salt: string;
    readonly correlation_id: string;
    readonly first_log_index: number;
    readonly first_position: number;
    readonly event_count: number;
  };
  readonly entries: readonly EntryVector[];
  readonly root: string;
  readonly receipt: { readonly log_index: number; readonly opening: string; readonly proof: string };
}

interface ChainVector {
  readonly events: readonly { event_hash: string; fields: { event_id: string; correlation_id: string } }[];
}

const { form, run, entries, root, receipt } = vector<LogVector>("log-entries");
const { events } = vector<ChainVector>("event-chain");
const leaves = entries.map((entry) => leafHash(Buffer.from(entry.entry, "hex")));

test("the published entries and root are what the published chain gives", () => {
  assert.equal(form, ENTRY_FORM);
  assert.equal(entries.length, run.event_count);
  const range = new CompactRange();
  for (const [offset, entry] of entries.entries()) {
    const position = run.first_position + offset;
    const salt = logSalt(run.salt, position);
    const { event_hash } = events[offset] as ChainVector["events"][number];
    const entryHex = entryOf(salt, position, event_hash);
    const leaf = leafHash(Buffer.from(entryHex, "hex"));
    range.append(leaf);
    assert.deepEqual(entry, {
      log_index: run.first_log_index + offset,
      chain_position: position,
      event_hash,
      log_salt: salt,
      entry: entryHex,
      leaf_hash: leaf.toString("hex"),
    });
  }
  assert.equal(range.root().toString("hex"), root);
});

test("the published receipt is written and read as such, and opens its entry", async () => {
  const proof = parseTlogProof(receipt.proof);
  assert.equal(formatTlogProof(proof), receipt.proof);
  assert.equal(proof.index, receipt.log_index);
  assert.deepEqual(proof.hashes, await inclusionProof(new MemoryTiles(leaves), proof.index, leaves.length));
  const { size, root: signedRoot } = parseCheckpoint(parseNote(proof.checkpoint).text);

  assert.equal(proof.extra?.toString(), receipt.opening);
  const opening = parseOpening(receipt.opening) as EntryOpening;
  const { fields } = events[proof.index] as ChainVector["events"][number];
  assert.equal(opening.event_id, fields.event_id);
  assert.equal(opening.correlation_id, fields.correlation_id);
  const entry = entryOf(opening.log_salt, opening.chain_position, opening.event_hash);
  const leaf = leafHash(Buffer.from(entry, "hex"));
  assert.ok(verifyInclusion(proof.index, size, leaf, proof.hashes, signedRoot));
});

test("salt, place and event hash each change the entry", () => {
  const [{ log_salt, chain_position, event_hash, entry }] = entries as [EntryVector];
  assert.equal(entryOf(log_salt, chain_position, event_hash), entry);
  assert.notEqual(entryOf(event_hash, chain_position, event_hash), entry);
  assert.notEqual(entryOf(log_salt, chain_position + 1, event_hash), entry);
  assert.notEqual(entryOf(log_salt, chain_position, log_salt), entry);
  assert.notEqual(logSalt(run.salt, 1), logSalt(run.salt, 2));
});

test("an opening is read as it was written, and in no other spelling", () => {
  const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));
  const opening = fc.record(
    {
      event_id: fc.uuid(),
      event_hash: digest,
      correlation_id: fc.string({ unit: "grapheme" }),
      chain_position: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      log_salt: digest,
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(opening, (given) => assert.deepEqual(parseOpening(openingText(given)), given)));

  const good = JSON.parse(receipt.opening);
  const other = (members: object) => JSON.stringify({ ...good, ...members });
  const wrong = [
    "",
    "null",
    "[]",
    ` ${receipt.opening}`,
    other({ form: "kubernaut.audit.entry/v2" }),
    other({ note: "more" }),
    other({ chain_position: 0 }),
    other({ chain_position: 1.5 }),
    other({ chain_position: "2" }),
    other({ event_hash: good.event_hash.toUpperCase() }),
    other({ log_salt: good.log_salt.slice(2) }),
    other({ correlation_id: 1 }),
    other({ correlation_id: undefined }),
    other({ correlation_id: "\ud800" }),
  ];
  for (const text of wrong) assert.equal(parseOpening(text), undefined, text);
});
