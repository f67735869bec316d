import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { privateKeyOf } from "./keys.ts";
import {
  cosigner,
  ed25519Signer,
  NoteError,
  noteText,
  parseNote,
  parseVerifierKey,
  verifyNote,
} from "./signed_note.ts";

// The example of C2SP signed-note.
const EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const ownKey = privateKeyOf(Buffer.alloc(32, 7));

test("a verifier key is read in one spelling only, and its id is that of its key", () => {
  const vkey = EXAMPLE;
  assert.equal(parseVerifierKey(vkey).verifierKey, vkey);
  for (let from = 0; from < vkey.length; from += 1) {
    for (let to = from + 1; to <= vkey.length; to += 1) {
      if (to - from < vkey.length) assert.throws(() => parseVerifierKey(vkey.slice(from, to)), NoteError);
    }
  }
  const wrong = [
    `${vkey} `,
    `${vkey}\n`,
    vkey.replace("530d903a", "530D903A"),
    vkey.replace("530d903a", "530d903b"),
    vkey.replace("foo", "fop"),
    "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
    "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
  ];
  for (const text of wrong) assert.throws(() => parseVerifierKey(text), NoteError, text);
  const names = fc.stringMatching(/^[^\s+]+$/u).filter((name) => !/[\p{White_Space}\p{Cc}\p{Cs}]/u.test(name));
  fc.assert(
    fc.property(names, (name) => {
      const { verifier } = ed25519Signer(name, ownKey);
      assert.equal(parseVerifierKey(verifier.verifierKey).name, name);
    }),
  );
});

test("what is signed reads back and verifies, and nothing is signed that could not be read", () => {
  const signers = [ed25519Signer("a", ownKey), cosigner("b", ownKey, () => 1_700_000_000)];
  const text = fc.string({ unit: "grapheme" }).map((line) => `${line.replaceAll(/\p{Cc}/gu, "\n")}\n`);
  fc.assert(
    fc.property(text, (given) => {
      const note = parseNote(noteText({ text: given, signatures: signers.map((signer) => signer.sign(given)) }));
      assert.equal(note.text, given);
      assert.equal(
        verifyNote(
          note,
          signers.map(({ verifier }) => verifier),
        ).length,
        2,
      );
    }),
  );
  for (const signer of signers) {
    for (const wrong of ["", "text", "a\u0000\n", "a\r\n", "\ud800\n"]) {
      assert.throws(() => signer.sign(wrong), NoteError, JSON.stringify(wrong));
    }
  }
  for (const name of ["", "a b", "a+b", "a\nb", "a\u2003b", "\udc00"]) {
    assert.throws(() => ed25519Signer(name, ownKey), NoteError, JSON.stringify(name));
  }
});

test("what is no Ed25519 private key cannot sign", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  assert.throws(() => ed25519Signer("a", privateKey), NoteError);
  assert.throws(() => ed25519Signer("a", createPublicKey(ownKey)), NoteError);
});

test("one key under two types or names has different ids, and neither passes for the other", () => {
  const log = ed25519Signer("a", ownKey);
  const witness = cosigner("a", ownKey, () => 1);
  assert.notDeepEqual(log.verifier.keyId, witness.verifier.keyId);
  assert.notDeepEqual(log.verifier.keyId, ed25519Signer("b", ownKey).verifier.keyId);
  const text = "text\n";
  assert.ok(!log.verifier.verify(text, witness.sign(text).bytes));
  assert.ok(!log.verifier.verify(text, witness.sign(text).bytes.subarray(8)));
  assert.ok(!witness.verifier.verify(text, log.sign(text).bytes));
  for (const length of [0, 7, 8, 71, 73]) {
    const cut = Buffer.concat([witness.sign(text).bytes, Buffer.alloc(1)]).subarray(0, length);
    assert.ok(!witness.verifier.verify(text, cut), `${length} bytes`);
  }
  for (const length of [0, 63, 65]) {
    const cut = Buffer.concat([log.sign(text).bytes, Buffer.alloc(1)]).subarray(0, length);
    assert.ok(!log.verifier.verify(text, cut), `${length} bytes`);
  }
  const beyond = cosigner("a", ownKey, () => 2 ** 63);
  assert.ok(!beyond.verifier.verify(text, beyond.sign(text).bytes));
});
