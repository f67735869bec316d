import assert from "node:assert/strict";
import type { KeyObject } from "node:crypto";
import { test } from "node:test";
import { newPrivateKey, readPrivateKeys } from "../note/keys.ts";
import { cosignedS } from "./identity.ts";
import { logSigners, signCheckpoint } from "./log_signers.ts";

const ORIGIN = "audit.example.com/clock";
const keys = { privateKeys: readPrivateKeys(newPrivateKey()) as [KeyObject] };
const checkpoint = { origin: ORIGIN, size: 1, root: Buffer.alloc(32) };
const START_MS = Date.UTC(2026, 4, 1);

test("cosignatures never go back in time with the clock, also after a restart, unless it had been wrong by hours", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: START_MS });
  const first = { origin: ORIGIN, signers: logSigners(keys, ORIGIN) };
  const timeOf = (identity: typeof first) =>
    cosignedS({ note: signCheckpoint(identity.signers, checkpoint) }, identity);
  const signedS = timeOf(first);
  assert.equal(signedS, START_MS / 1000);
  t.mock.timers.setTime(START_MS - 600_000);
  assert.equal(timeOf(first), signedS);
  const next = { origin: ORIGIN, signers: logSigners(keys, ORIGIN, () => signedS) };
  assert.equal(timeOf(next), signedS);
  t.mock.timers.setTime(START_MS + 5000);
  assert.equal(timeOf(next), signedS + 5);
  t.mock.timers.setTime(START_MS - 2 * 3_600_000);
  assert.equal(timeOf(next), signedS - 7200);
});

test("the time of a cosignature that another key made is not believed", () => {
  const identity = { origin: ORIGIN, signers: logSigners(keys, ORIGIN) };
  const note = signCheckpoint(identity.signers, checkpoint);
  const forged = note.signatures.map((signature) => ({ ...signature, bytes: Buffer.from(signature.bytes) }));
  forged.at(-1)?.bytes.writeUInt8(0x7f, 0);
  assert.ok(cosignedS({ note }, identity) > 0);
  assert.equal(cosignedS({ note: { ...note, signatures: forged } }, identity), 0);
});
