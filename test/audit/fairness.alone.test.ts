import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type AuditClient, newEvent, openCaller } from "../support/audit_service.ts";
import { createDatabase } from "../support/database.ts";
import { startService } from "../support/service.ts";

const SAMPLES = 200;
/** The mark is 5 on a machine that does nothing else; this bound is for one that does. */
const RATIO_BOUND = 20;

const database = await createDatabase("fairness");
const service = await startService({ DATABASE_URL: database.url, DATASTORAGE_LOG_LEVEL: "warn" });
const { client, close } = openCaller(service.address);
after(async () => {
  close();
  await service.stop();
  await database.drop();
});

test("a flooding stream does not starve a lone call", { timeout: 120_000 }, async () => {
  await latencies(client);
  const quiet = await latencies(client);
  const flood = await startFlood(service.address);
  const flooded = await latencies(client);
  const recorded = await flood.stop();
  const ratio = percentile(flooded, 0.99) / percentile(quiet, 0.99);
  const text = [quiet, flooded].map(
    (times) => `${percentile(times, 0.5).toFixed(1)}/${percentile(times, 0.99).toFixed(1)}`,
  );
  console.log(`# lone RecordEvents p50/p99: ${text[0]} ms alone, ${text[1]} ms beside a flood of ${recorded} events`);
  console.log(`# lone_p99_ratio ${ratio.toFixed(2)}`);
  assert.ok(recorded > 5000, "the flood was one");
  assert.ok(ratio < RATIO_BOUND, `p99 is ${ratio.toFixed(1)} times as long`);
});

async function latencies(of: AuditClient): Promise<number[]> {
  const times: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const events = [newEvent({ correlationId: `lone-${sample}` })];
    const begun = performance.now();
    await of.recordEvents({ events });
    times.push(performance.now() - begun);
  }
  return times.sort((one, other) => one - other);
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

/** Floods from a process of its own; resolves when the flood has begun. `stop` gives the events that were recorded. */
async function startFlood(address: string): Promise<{ stop(): Promise<number> }> {
  const entry = fileURLToPath(new URL("../support/flood.ts", import.meta.url));
  const child = spawn(process.execPath, [entry, address], { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, "flooding");
  return {
    async stop() {
      child.kill("SIGTERM");
      const last = String((await lines.next()).value);
      if (child.exitCode === null) await once(child, "exit");
      return Number(last.replace("recorded ", ""));
    },
  };
}
