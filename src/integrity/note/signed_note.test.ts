import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { vector } from "../../../test/support/vectors.ts";
import { checkpointText, parseCheckpoint } from "./checkpoint.ts";
import { deriveKey, privateKeyOf, readPrivateKeys } from "./keys.ts";
import {
  cosigner,
  ed25519Signer,
  NoteError,
  noteText,
  parseNote,
  parseVerifierKey,
  type SignedNote,
  verifyNote,
} from "./signed_note.ts";

interface PublishedNote {
  readonly source: string;
  readonly verifier_keys: readonly string[];
  readonly note: string;
  readonly seed?: string;
  readonly time?: number;
}

interface NoteVector {
  readonly own: {
    readonly seed: string;
    readonly private_key: string;
    readonly origin: string;
    readonly derived_seeds: { readonly cosigner: string; readonly export: string };
    readonly verifier_keys: { readonly log: string; readonly cosigner: string; readonly export: string };
    readonly checkpoint: { readonly size: number; readonly root: string };
    readonly cosigned_time: number;
    readonly note: string;
  };
  readonly others: readonly PublishedNote[];
}

const { own, others } = vector<NoteVector>("signed-note");
const [example, reference, witnessed] = others as [PublishedNote, PublishedNote, PublishedNote];
const ownKey = privateKeyOf(Buffer.from(own.seed, "hex"));

test("notes that others have published verify with their published keys", () => {
  for (const { source, verifier_keys, note } of others) {
    const verified = verifyNote(parseNote(note), verifier_keys.map(parseVerifierKey));
    const names = verified.map(({ verifier }) => verifier.verifierKey);
    assert.deepEqual(names, verifier_keys, source);
    assert.equal(noteText(parseNote(note)), note, source);
    assert.throws(() => verifyNote(parseNote(note.replace(/^./, "X")), verifier_keys.map(parseVerifierKey)), NoteError);
  }
});

test("a cosignature of a public witness tells its time, which it covers", () => {
  const note = parseNote(witnessed.note);
  const verifiers = witnessed.verifier_keys.map(parseVerifierKey);
  const times = verifyNote(note, verifiers).map(({ verifier, signature }) => verifier.timestampOf?.(signature.bytes));
  assert.deepEqual(times, [undefined, witnessed.time, witnessed.time]);
  const { size } = parseCheckpoint(note.text);
  assert.equal(size, 1_432_088_532);

  const later = note.signatures.map(({ bytes, ...key }) => ({ ...key, bytes: Buffer.from(bytes.with(7, 0)) }));
  const forged = { text: note.text, signatures: later };
  assert.throws(() => verifyNote(forged, verifiers.slice(1)), NoteError);
});

test("the note of the reference implementation is signed to the byte", () => {
  const signer = ed25519Signer("PeterNeumann", privateKeyOf(Buffer.from(reference.seed as string, "hex")));
  assert.equal(signer.verifier.verifierKey, reference.verifier_keys[0]);
  const { text, signatures } = parseNote(reference.note);
  assert.deepEqual(signer.sign(text), signatures[0]);
});

test("the service's own published note is what its keys sign", () => {
  const { origin, verifier_keys: keys, checkpoint } = own;
  const [key] = readPrivateKeys(own.private_key) as [typeof ownKey];
  assert.ok(key.equals(ownKey));
  const log = ed25519Signer(origin, key);
  const witness = cosigner(`${origin}/cosigner`, deriveKey(key, "cosigner"), () => own.cosigned_time);
  const exporter = ed25519Signer(`${origin}/export`, deriveKey(key, "export"));
  const verifierKeys = [log, witness, exporter].map(({ verifier }) => verifier.verifierKey);
  assert.deepEqual(verifierKeys, [keys.log, keys.cosigner, keys.export]);
  assert.ok(privateKeyOf(Buffer.from(own.derived_seeds.cosigner, "hex")).equals(deriveKey(key, "cosigner")));
  assert.ok(privateKeyOf(Buffer.from(own.derived_seeds.export, "hex")).equals(deriveKey(key, "export")));

  const text = checkpointText({ origin, size: checkpoint.size, root: Buffer.from(checkpoint.root, "hex") });
  assert.equal(noteText({ text, signatures: [log.sign(text), witness.sign(text)] }), own.note);
  const verified = verifyNote(parseNote(own.note), [keys.log, keys.cosigner].map(parseVerifierKey));
  assert.equal(verified.length, 2);
  const { verifier, signature } = verified[1] as (typeof verified)[number];
  assert.equal(verifier.timestampOf?.(signature.bytes), own.cosigned_time);
});

test("unknown keys are passed over, also those that share a name or an id with a known one", () => {
  const known = parseVerifierKey(example.verifier_keys[0] as string);
  const note = parseNote(example.note);
  const [signature] = note.signatures as [SignedNote["signatures"][number]];
  const sameName = { ...signature, keyId: Buffer.from("00000000", "hex"), bytes: Buffer.alloc(1) };
  const sameId = { ...signature, name: "example.com/bar", bytes: Buffer.alloc(64) };
  const among = { ...note, signatures: [sameName, sameId, signature] };
  assert.deepEqual(verifyNote(parseNote(noteText(among)), [known]), [{ verifier: known, signature }]);
  assert.throws(() => verifyNote({ ...note, signatures: [sameName, sameId] }, [known]), /no signature by a known key/);
  assert.throws(() => verifyNote(note, []), /known are none; signed by example.com\/foo\+530d903a/);
});

test("a wrong signature by a known key refuses the note, whatever else it is signed with", () => {
  const keys = reference.verifier_keys.map(parseVerifierKey);
  const { text, signatures } = parseNote(reference.note);
  const [peter, enoch] = signatures as [SignedNote["signatures"][number], SignedNote["signatures"][number]];
  const wrong = { ...enoch, bytes: Buffer.concat([enoch.bytes, Buffer.alloc(1)]) };
  assert.throws(() => verifyNote({ text, signatures: [peter, wrong] }, keys), /EnochRoot\+af0cfe78/);
  assert.throws(() => verifyNote({ text, signatures: [enoch, peter, wrong] }, keys), NoteError);
  assert.equal(verifyNote({ text, signatures: [peter, wrong] }, keys.slice(0, 1)).length, 1);
});

test("a key counts once, however often it signed or is listed", () => {
  const known = parseVerifierKey(example.verifier_keys[0] as string);
  const { text, signatures } = parseNote(example.note);
  const twice = { text, signatures: [...signatures, ...signatures] };
  let now = 0;
  const witness = cosigner("w", ownKey, () => ++now);
  const [cosigned] = verifyNote({ text, signatures: [witness.sign(text), witness.sign(text)] }, [witness.verifier]);
  assert.equal(witness.verifier.timestampOf?.(cosigned?.signature.bytes as Buffer), 1);
  assert.equal(verifyNote(twice, [known, known]).length, 1);
  assert.equal(verifyNote(twice, [known, parseVerifierKey(known.verifierKey)]).length, 1);
});

test("no bit of a signed note can be changed", () => {
  const keys = [own.verifier_keys.log, own.verifier_keys.cosigner].map(parseVerifierKey);
  const bytes = Buffer.from(own.note);
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 7 }), (place, bit) => {
      const other = Buffer.from(bytes);
      other[place] = (other[place] as number) ^ (1 << bit);
      let verified: ReturnType<typeof verifyNote>;
      try {
        verified = verifyNote(parseNote(other), keys);
      } catch (error) {
        assert.ok(error instanceof NoteError, String(error));
        return;
      }
      // A name or key id that changed makes an unknown key of it, and the other signature still holds.
      assert.equal(verified.length, 1);
      assert.equal(parseNote(other).text, parseNote(own.note).text);
    }),
    { numRuns: 2_000 },
  );
});

test("what is no signed note is refused", () => {
  const { note } = example;
  const line = note.split("\n")[2] as string;
  const wrong: (string | Uint8Array)[] = [
    "",
    "\n",
    "text\n",
    "text\n\n",
    `\n${line}\n`,
    note.slice(0, -1),
    `${note}\n`,
    `${note}more\n`,
    `${note}${line}`,
    note.replace("\n\n", "\n"),
    note.replace("example message", "example\tmessage"),
    note.replace("example message", "example\u0000message"),
    note.replaceAll("\n", "\r\n"),
    note.replace("—", "-"),
    note.replace("— ", "—"),
    note.replace("— ", "—  "),
    note.replace("/foo ", "/foo  "),
    note.replace("/foo", "/f+o"),
    note.replace("/foo", "/f\u00a0o"),
    note.replace("/foo", "/f\u0085o"),
    note.replace("/foo", "/f\u3000o"),
    note.replace("example.com/foo", ""),
    note.replace("QM=", "QM"),
    note.replace("QM=", "QN="),
    note.replace("QM=", "QM=="),
    note.replace("Uw2Q", "Uw2_"),
    "text\n\n— name AAAAAA==\n",
    "text\n\n— name \n",
    "text\n\n— name\n",
    "\ud800\n\n— name AAAAAAA=\n",
    Buffer.concat([Buffer.of(0xff), Buffer.from(note)]),
    Buffer.from(`\u0001${note}`),
  ];
  for (const text of wrong) assert.throws(() => parseNote(text), NoteError, JSON.stringify(text));
  assert.equal(parseNote("text\n\n— name AAAAAAA=\n").signatures[0]?.bytes.length, 1);
  assert.equal(parseNote(Buffer.from(note)).text, parseNote(note).text);
  assert.equal(parseNote(`\n\n\n${note}`).text, `\n\n\n${parseNote(note).text}`);
});

test("a note has at most 100 signatures and a mebibyte", () => {
  const line = "— name AAAAAAA=\n";
  assert.equal(parseNote(`text\n\n${line.repeat(100)}`).signatures.length, 100);
  assert.throws(() => parseNote(`text\n\n${line.repeat(101)}`), /more than 100 signatures/);
  const most = 2 ** 20 - Buffer.byteLength(`\n\n${line}`);
  assert.equal(parseNote(`${"x".repeat(most)}\n\n${line}`).text.length, most + 1);
  assert.throws(() => parseNote(`${"x".repeat(most + 1)}\n\n${line}`), /larger than 1048576 bytes/);
  assert.throws(() => parseNote(Buffer.alloc(2 ** 20 + 1)), /larger than 1048576 bytes/);
});
