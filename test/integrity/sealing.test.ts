// Checkpoints: signed, kept outside of the database, published, and never one that contradicts another.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import {
  noteText,
  parseNote,
  parseVerifierKey,
  type SignedNote,
  verifyNote,
} from "../../src/integrity/note/signed_note.ts";
import { logSigners, signCheckpoint, usedKeys } from "../../src/integrity/sealing/log_signers.ts";
import { assertConsistent, logKeys, openSealingSite, type SealingSite, until, verifiersOf } from "./sealing_site.ts";

const sites: SealingSite[] = [];
after(async () => {
  for (const site of sites) await site.close();
});
async function openSite(): Promise<SealingSite> {
  const site = await openSealingSite();
  sites.push(site);
  return site;
}

test("a checkpoint is signed, kept outside and published as the log grows, and another start goes on from it", async () => {
  const site = await openSite();
  const keys = logKeys();
  const log = await site.start({ keys });
  assert.equal(log.open.exportSigner(), undefined);
  await site.record(3);
  const first = await site.untilPublished(3);
  const { origin, size } = parseCheckpoint(first.text);
  assert.match(origin, /^datastorage\.kubernaut\.ai\/[0-9a-f]{12}$/);
  assert.equal(size, 3);
  const used = usedKeys(logSigners(keys, origin));
  const verifiers = used
    .filter(({ purpose }) => purpose !== "export")
    .map(({ verifierKey }) => parseVerifierKey(verifierKey));
  const verified = verifyNote(first, verifiers);
  assert.deepEqual(
    verified.map(({ verifier }) => verifier.name),
    [origin, `${origin}/cosigner`],
  );
  const signedS = verified[1]?.verifier.timestampOf?.(verified[1].signature.bytes) ?? 0;
  assert.ok(Math.abs(Date.now() / 1000 - signedS) < 60);
  assert.equal(site.kept(), noteText(first));
  assert.equal(
    log.open.exportSigner()?.verifier.verifierKey,
    used.find(({ purpose }) => purpose === "export")?.verifierKey,
  );
  const recorded = await site.sql`SELECT verifier_key, purpose FROM audit_log_keys`;
  assert.deepEqual(
    new Set(recorded.map(({ verifier_key, purpose }) => `${purpose} ${verifier_key}`)),
    new Set(used.map(({ verifierKey, purpose }) => `${purpose} ${verifierKey}`)),
  );
  assert.deepEqual(
    log.recorded.map(({ type, resource }) => [type, resource.id]),
    [["datastorage.log.origin_opened", origin]],
  );
  const told = log.told.find(({ text }) => text === `the log is signed as ${origin}`);
  assert.deepEqual(
    told?.facts["verifier_keys"],
    used.map(({ verifierKey }) => verifierKey),
  );
  await log.close();

  const again = await site.start({ keys });
  await site.record(300);
  await site.untilPublished(303);
  assert.deepEqual(again.recorded, [], "that the origin was opened is recorded once");
  await again.close();
  const checkpoints = await assertConsistent(site, keys, await site.published());
  assert.ok(checkpoints.every((checkpoint) => checkpoint.origin === origin));
});

test("a log that does not grow is signed again when its cosignature is 30 minutes old", async () => {
  const site = await openSite();
  const keys = logKeys();
  const log = await site.start({ keys });
  await site.record(1);
  await site.untilPublished(1);
  const before = (await site.published()).length;
  log.advance(31 * 60_000);
  await until(async () => ((await site.published()).length > before ? true : undefined), "renewed");
  const checkpoints = await assertConsistent(site, keys, await site.published());
  assert.deepEqual(
    checkpoints.slice(before - 1).map(({ size }) => size),
    [1, 1],
  );
});

test("with two keys either verifies, and the old one alone still verifies what it signed", async () => {
  const site = await openSite();
  const [old, fresh] = [newPrivateKey(), newPrivateKey()];
  const origin = "audit.example.com/rotation";
  const stages = [[old], [fresh, old], [fresh]];
  const notes: SignedNote[] = [];
  for (const [stage, pems] of stages.entries()) {
    const log = await site.start({ keys: logKeys(...pems), origin });
    await site.record(2);
    notes.push(await site.untilPublished(2 * (stage + 1)));
    assert.ok(!log.told.some(({ text }) => text.includes("other keys than before")));
    await log.close();
  }
  const verifies = (pem: string, note: SignedNote | undefined) => {
    assert.ok(note);
    return () => verifyNote(note, verifiersOf(logKeys(pem), origin));
  };
  for (const [stage, pems] of stages.entries()) {
    for (const pem of [old, fresh]) {
      if (pems.includes(pem)) verifies(pem, notes[stage])();
      else assert.throws(verifies(pem, notes[stage]), /no signature by a known key/);
    }
  }
  const rows = await site.sql`SELECT DISTINCT verifier_key FROM audit_log_keys WHERE purpose = 'log'`;
  assert.equal(rows.length, 2, "the old key is known for good");

  const stranger = await site.start({ keys: logKeys(), origin });
  await stranger.untilTold(/other keys than before/);
});

test("without a key the log is indexed and not signed, and says so", async () => {
  const site = await openSite();
  const log = await site.start();
  await site.record(5);
  await log.untilTold(/indexed and not signed: neither DATASTORAGE_LOG_KEY nor/);
  await until(async () => {
    const [row] = await site.sql<{ size: string }[]>`SELECT size::text FROM audit_log_state`;
    return row?.size === "5" ? true : undefined;
  }, "indexed");
  assert.equal(log.open.sealingStatus(), "no_key");
  assert.deepEqual(await site.published(), []);
  assert.deepEqual([...(await site.sql`SELECT origin FROM audit_log_origins`)], []);
});

test("a new origin is signed under within seconds, although nothing is recorded", async () => {
  const site = await openSite();
  const log = await site.start({ keys: logKeys() });
  await site.record(4);
  await site.untilPublished(4);
  await site.sql`SELECT open_audit_log_origin('audit.example.com/renamed', NULL, '')`;
  const note = await site.untilPublished(4);
  assert.equal(parseCheckpoint(note.text).origin, "audit.example.com/renamed");
  assert.equal(log.open.exportSigner()?.verifier.name, "audit.example.com/renamed/export");
});

test("another origin than the one in use is not signed as, and the log is indexed all the same", async () => {
  const site = await openSite();
  const keys = logKeys();
  const first = await site.start({ keys, origin: "audit.example.com/one" });
  await site.record(1);
  await site.untilPublished(1);
  await first.close();
  const other = await site.start({ keys, origin: "audit.example.com/two" });
  const { level, text } = await other.untilTold(/DATASTORAGE_LOG_ORIGIN/);
  assert.equal(level, "error");
  assert.match(
    text,
    /the origin of the log is audit\.example\.com\/one.*datastorage log new-origin audit\.example\.com\/two/s,
  );
  await site.record(1);
  await until(async () => {
    const [row] = await site.sql<{ size: string }[]>`SELECT size::text FROM audit_log_state`;
    return row?.size === "2" ? true : undefined;
  }, "indexed");
  assert.equal(other.open.sealingStatus(), "other_origin");
  const waiting = await site.start({ keys, origin: "audit.example.com/three" });
  await waiting.untilTold(/DATASTORAGE_LOG_ORIGIN is audit\.example\.com\/three.*this process signs nothing/);
  await site.sql`SELECT open_audit_log_origin('audit.example.com/two', NULL, 'a new name')`;
  const note = await site.untilPublished(2);
  assert.equal(parseCheckpoint(note.text).origin, "audit.example.com/two");
  const [opened] = other.recorded;
  assert.equal(opened?.data["reason"], "a new name");
  assert.equal(
    parseCheckpoint(parseNote(String(opened?.data["predecessor_checkpoint"])).text).origin,
    "audit.example.com/one",
  );
});

test("a kept checkpoint that no key of the log signed stops the log", async () => {
  const site = await openSite();
  const keys = logKeys();
  const first = await site.start({ keys });
  await site.record(1);
  const note = await site.untilPublished(1);
  await first.close();
  const forged = signCheckpoint(logSigners(logKeys(), parseCheckpoint(note.text).origin), parseCheckpoint(note.text));
  for (const kept of [noteText(forged), "no note at all\n", ""]) {
    writeFileSync(site.keptFile, kept);
    const log = await site.start({ keys });
    const { text } = await log.untilTold(/contradicts what was signed/);
    assert.match(text, new RegExp(`the checkpoint kept in ${site.keptFile} is not one that this log signed`));
    assert.equal(log.open.sealingStatus(), "contradicted");
    await log.close();
    assert.equal(site.kept(), kept, "evidence is left alone");
  }
  await site.sql`SELECT open_audit_log_origin('audit.example.com/after', ${site.kept()}, 'an empty file')`;
  await site.start({ keys });
  await site.untilPublished(1);
  await until(async () => (site.kept().startsWith("audit.example.com/after\n") ? true : undefined), "kept");
});
