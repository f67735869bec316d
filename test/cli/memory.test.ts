// record with input larger than what it may hold in memory.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { eventLine, start } from "./datastorage.ts";

const TELL_MEMORY = 'data:text/javascript,process.on("exit",()=>console.error(process.resourceUsage().maxRSS))';
const LINE_BYTES = 32_000;

test("a large file takes no more memory than the window of what is under way", async (t) => {
  const server = createServer(
    connectNodeAdapter({
      routes: (router) =>
        router.service(AuditService, {
          getServiceInfo: () => ({ limits: { maxBatchEvents: 1000, maxBatchBytes: 4n * 1024n * 1024n } }),
          async *ingestEvents(requests) {
            for await (const { batchNumber, events } of requests) yield { batchNumber, recorded: events.length };
          },
        }),
    }),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [small, large] = [await peakMegabytes(address, 10), await peakMegabytes(address, 8000)];
  server.close();
  t.diagnostic(`peak with 0.3 MB of events: ${small} MB; with 256 MB: ${large} MB`);
  assert.ok(large - small < 128, `256 MB of events took ${large - small} MB of memory`);
});

/** The most memory that recording so many lines took. */
async function peakMegabytes(address: string, lines: number): Promise<number> {
  const record = start(["record", "-", "--json", "--address", address], ["--import", TELL_MEMORY]);
  const note = "x".repeat(LINE_BYTES);
  for (let number = 0; number < lines; number++) {
    const line = `${JSON.stringify(eventLine("rr-large", number, { event_data: { note } }))}\n`;
    if (!record.stdin.write(line)) await once(record.stdin, "drain");
    else await turn();
  }
  record.stdin.end();
  const { code, stdout, stderr } = await record.ended;
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).recorded, lines);
  return Math.round(Number(stderr.trim().split("\n").at(-1)) / 1024);
}
