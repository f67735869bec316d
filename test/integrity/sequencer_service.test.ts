// The log as part of the whole service.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import { serve } from "../../src/main.ts";
import { newEvents, openCaller, startAuditService, testConfig } from "../support/audit_service.ts";
import { createDatabase } from "../support/database.ts";
import { checkedLog } from "./naive_log.ts";

async function signing(t: { after(hook: () => Promise<void>): void }) {
  const dataDir = await mkdtemp(join(tmpdir(), "log-"));
  t.after(() => rm(dataDir, { recursive: true }));
  return { DATASTORAGE_LOG_KEY: newPrivateKey(), DATASTORAGE_DATA_DIR: dataDir };
}

test("a service that ends in order leaves nothing without an index, nor uncovered by a published checkpoint", async (t) => {
  const service = await startAuditService(t, await signing(t));
  for (let call = 0; call < 3; call++) {
    await service.client.recordEvents({ events: newEvents(200, { correlationId: `rr-${call}` }) });
  }
  await service.stop();
  const order = await checkedLog(service.admin);
  // And the event that tells of the log's origin.
  assert.equal(order.length, 601);
  const [state] = await service.admin`SELECT size::int, published_size::int, published_note FROM audit_log_state`;
  assert.equal(state?.["published_size"], state?.["size"]);
  assert.match(state?.["published_note"], /^datastorage\.kubernaut\.ai\/[0-9a-f]{12}\n601\n/);
});

test("the gauges tell of every event how far it has come", async (t) => {
  const database = await createDatabase("log_gauges");
  const config = testConfig(database.url, { ...(await signing(t)), DATASTORAGE_METRICS_ADDRESS: "127.0.0.1:0" });
  const service = await serve({ config });
  const caller = openCaller(`127.0.0.1:${service.address.port}`);
  t.after(async () => {
    caller.close();
    await service.close();
    await database.drop();
  });
  await caller.client.recordEvents({ events: newEvents(20) });
  const { host, port } = service.metricsAddress ?? assert.fail("metrics are served");
  const scrape = async () => {
    const text = await (await fetch(`http://${host}:${port}/metrics`, { signal: t.signal })).text();
    const sample = (name: string) => Number(new RegExp(`^datastorage_log_${name} (\\S+)$`, "m").exec(text)?.[1]);
    const states = ["recorded", "indexed", "covered"].map((state) => sample(`events\\{state="${state}"\\}`));
    return { sample, states };
  };
  let seen = await scrape();
  while (seen.states[2] !== 21) seen = await scrape();
  const { sample, states } = seen;
  assert.deepEqual(states, [0, 0, 21]);
  assert.equal(sample("sequencer"), 1);
  assert.equal(sample('signing\\{status="signing"\\}'), 1);
  assert.equal(sample('signing\\{status="contradicted"\\}'), 0);
  assert.equal(sample("indexed_events_total"), 21);
  assert.equal(sample("index_lag_seconds"), 0);
});
