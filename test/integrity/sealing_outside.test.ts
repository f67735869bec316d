// A data folder in which nothing can be kept: the log goes on without, and says so.
import assert from "node:assert/strict";
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { parseNote } from "../../src/integrity/note/signed_note.ts";
import { logKeys, openSealingSite, type SealingSite, type TestLog, until } from "./sealing_site.ts";

const sites: SealingSite[] = [];
after(async () => {
  for (const site of sites) await site.close();
});
async function openSite(): Promise<SealingSite> {
  const site = await openSealingSite();
  sites.push(site);
  return site;
}

const FAILS = /cannot be kept outside of the database: the log is signed and published all the same/;

function warnings({ told }: TestLog): number {
  return told.filter(({ level, text }) => level === "warn" && FAILS.test(text)).length;
}

function keptSize(site: SealingSite): number | undefined {
  try {
    return parseCheckpoint(parseNote(site.kept()).text).size;
  } catch {
    return undefined;
  }
}

test("where no folder can be made, the log is signed and published all the same, and is kept once it can be", async () => {
  const site = await openSite();
  const keys = logKeys();
  writeFileSync(`${site.dataDir}/none`, "a file");
  const [log, standby] = [
    await site.start({ keys, dataDir: `${site.dataDir}/none` }),
    await site.start({ keys, dataDir: `${site.dataDir}/none` }),
  ];
  await site.record(3);
  await site.untilPublished(3);
  for (const one of [log, standby]) {
    await one.untilTold(FAILS);
    assert.equal(one.open.keptOutside, false);
  }
  assert.equal(log.open.sealingStatus() === "signing" || standby.open.sealingStatus() === "signing", true);
  await site.record(2);
  await site.untilPublished(5);
  // Each minute, which is a little more than a second here.
  await until(async () => (warnings(log) > 1 && warnings(standby) > 1 ? true : undefined), "told again");
  rmSync(`${site.dataDir}/none`);
  await until(
    async () => (log.open.keptOutside && standby.open.keptOutside ? true : undefined),
    "kept although nothing is added",
  );
  await log.untilTold(/is kept outside of the database again/);
  await standby.untilTold(/is kept outside of the database again/);
});

test("a disk that takes nothing leaves the checkpoint that was kept, and the log goes on", async () => {
  const site = await openSite();
  const log = await site.start({ keys: logKeys() });
  await site.record(1);
  await site.untilPublished(1);
  assert.equal(log.open.keptOutside, true);
  const inTheWay = `${site.keptFile}.${process.pid}.new`;
  mkdirSync(inTheWay);
  await site.record(1);
  await site.untilPublished(2);
  await log.untilTold(FAILS);
  assert.equal(keptSize(site), 1);
  assert.equal(log.open.keptOutside, false);
  rmdirSync(inTheWay);
  await until(async () => (keptSize(site) === 2 ? true : undefined), "kept");
});

test("a kept checkpoint that cannot be read is left as it is, and compared once it can be", async () => {
  const site = await openSite();
  const keys = logKeys();
  const first = await site.start({ keys });
  await site.record(1);
  await site.untilPublished(1);
  await first.close();
  rmSync(site.keptFile);
  mkdirSync(site.keptFile);
  const log = await site.start({ keys });
  await log.untilTold(FAILS);
  await site.record(1);
  await site.untilPublished(2);
  rmdirSync(site.keptFile);
  writeFileSync(site.keptFile, "no note at all\n");
  await log.untilTold(/contradicts what was signed/);
  assert.equal(log.open.sealingStatus(), "contradicted");
  assert.equal(site.kept(), "no note at all\n");
});

test("a checkpoint whose file is gone is kept again although nothing is added", async () => {
  const site = await openSite();
  const log = await site.start({ keys: logKeys() });
  await site.record(1);
  await site.untilPublished(1);
  rmSync(`${site.dataDir}/log`, { recursive: true });
  await until(async () => (keptSize(site) === 1 && log.open.keptOutside ? true : undefined), "kept again");
});
