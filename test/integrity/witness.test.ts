// Witnesses: each checkpoint is cosigned by those that answer, and none that does not can hold the log back.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { verifyNote } from "../../src/integrity/note/signed_note.ts";
import { logSigners, signCheckpoint } from "../../src/integrity/sealing/log_signers.ts";
import { Witness } from "../../src/integrity/sealing/witness.ts";
import { startWitness, type TestWitness, type WitnessManner } from "../support/witness.ts";
import { assertConsistent, logKeys, openSealingSite, type SealingSite, until, verifiersOf } from "./sealing_site.ts";

const ends: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});
const keys = logKeys();
const ORIGIN = "audit.example.com/witnessed";

async function openSite(): Promise<SealingSite> {
  const site = await openSealingSite();
  ends.push(() => site.close());
  return site;
}

async function witness(name: string, manner: WitnessManner = "honest"): Promise<TestWitness> {
  const started = await startWitness(`witness.example.com/${name}`, (origin) =>
    origin === ORIGIN ? verifiersOf(keys, origin) : undefined,
  );
  started.manner = manner;
  ends.push(() => started.close());
  return started;
}

async function untilCosigned(site: SealingSite, size: number, by: readonly TestWitness[]) {
  return until(async () => {
    const note = await site.untilPublished(size);
    const names = new Set(note.signatures.map(({ name }) => name));
    return by.every(({ verifier }) => names.has(verifier.name)) ? note : undefined;
  }, `cosigned at ${size}`);
}

test("witnesses cosign each checkpoint, also after a restart, and what they saw is consistent", async () => {
  const site = await openSite();
  const both = [await witness("one"), await witness("two")];
  const options = { keys, origin: ORIGIN, witnesses: both.map(({ option }) => option) };
  const log = await site.start(options);
  for (const size of [300, 600]) {
    await site.record(300);
    const note = await untilCosigned(site, size, both);
    assert.equal(
      verifyNote(
        note,
        both.map(({ verifier }) => verifier),
      ).length,
      2,
    );
  }
  await log.close();
  const answered = both[0]?.answers.length ?? 0;
  await site.start(options);
  await site.record(1);
  await untilCosigned(site, 601, both);
  // It asked with the old size 0, and was told which it is.
  assert.equal(both[0]?.answers[answered], 409);
  assert.equal(both[0]?.answers.at(-1), 200);
  assert.equal(both[0]?.cosigned.get(ORIGIN)?.size, 601);
  await assertConsistent(site, keys, await site.published());
});

test("a witness that does not cosign holds nothing back, is left alone for a while, and is asked again", async () => {
  const site = await openSite();
  const honest = await witness("honest");
  for (const manner of ["refuses", "garbage", "wrong signature", "endless"] as const) {
    const bad = await witness(manner.replaceAll(" ", "-"), manner);
    const log = await site.start({ keys, origin: ORIGIN, witnesses: [honest.option, bad.option] });
    await site.record(1);
    const { size } =
      (await site.sql<{ size: string }[]>`SELECT (size + 1)::text AS size FROM audit_log_state`)[0] ?? {};
    const note = await untilCosigned(site, Number(size) - 1, [honest]);
    assert.ok(!note.signatures.some(({ name }) => name === bad.verifier.name));
    const { facts } = await log.untilTold(/a witness does not cosign/);
    assert.equal(facts["witness"], bad.verifier.name);
    assert.equal(log.open.witnesses.failing, 1);
    bad.manner = "honest";
    log.advance(61_000);
    // It cosigns what is published already, although nothing more is recorded.
    await untilCosigned(site, 1, [honest, bad]);
    await log.untilTold(/a witness cosigns again/);
    assert.equal(log.open.witnesses.failing, 0);
    assert.equal(log.told.filter(({ text }) => text === "a witness does not cosign").length, 1);
    await log.close();
  }
  await assertConsistent(site, keys, await site.published());
});

test("a witness that fails is left alone for a second, then twice as long each time, up to a minute", async () => {
  const refusing = await witness("refusing", "refuses");
  let now = 0;
  const log = { info() {}, warn() {}, error() {} };
  const tiles = { tiles: async () => new Map<string, Buffer>() };
  const asked = new Witness(refusing.option, { tiles, log, monotonicMs: () => now });
  const checkpoint = { origin: ORIGIN, size: 1, root: Buffer.alloc(32) };
  const note = signCheckpoint(logSigners(keys, ORIGIN), checkpoint);
  const pauses: number[] = [];
  for (let last = 0; pauses.length < 9; now += 500) {
    const before = refusing.answers.length;
    await asked.cosign(checkpoint, note, new AbortController().signal);
    if (refusing.answers.length === before) continue;
    pauses.push(now - last);
    last = now;
  }
  assert.deepEqual(pauses, [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

test("a witness that says nothing is waited for two seconds, once", async () => {
  const site = await openSite();
  const silent = await witness("silent", "silent");
  const log = await site.start({ keys, origin: ORIGIN, witnesses: [silent.option] });
  await site.record(1);
  const began = performance.now();
  await site.untilPublished(1);
  assert.ok(performance.now() - began < 4000);
  const { facts } = await log.untilTold(/a witness does not cosign/);
  assert.equal(facts["reason"], "it did not answer within 2 s");
  // Asked again, it holds nothing up.
  log.advance(61_000);
  const again = performance.now();
  await site.record(1);
  await site.untilPublished(2);
  assert.ok(performance.now() - again < 1500);
});

test("a witness that saw another log says so loudly, and the log goes on", async () => {
  const site = await openSite();
  const watching = await witness("watching");
  const root = Buffer.alloc(32, 7);
  const cases = [
    [{ origin: ORIGIN, size: 2, root }, /what it has cosigned of 2 entries is not how this tree of \d+ begins/],
    [{ origin: ORIGIN, size: 1000, root }, /it has cosigned 1000 entries, and the log has \d+/],
    [undefined, /it has cosigned another root for \d+ entries/],
  ] as const;
  for (const [seen, expected] of cases) {
    const [row] = await site.sql<{ size: string }[]>`SELECT size::text FROM audit_log_state`;
    const size = Number(row?.size) + 3;
    watching.cosigned.set(ORIGIN, seen ?? { origin: ORIGIN, size, root });
    // What is published already is not shown to it: there is more by then.
    await site.record(3);
    const log = await site.start({ keys, origin: ORIGIN, witnesses: [watching.option] });
    const { level, facts } = await log.untilTold(/a witness says that the log contradicts/);
    assert.equal(level, "error");
    assert.match(String(facts["reason"]), expected);
    const note = await site.untilPublished(size);
    assert.equal(parseCheckpoint(note.text).size, size);
    assert.equal(log.open.sealingStatus(), "signing");
    await log.close();
  }
});
