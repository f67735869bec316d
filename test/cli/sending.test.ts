// record when the service or its database goes away, and when a person interrupts it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startService } from "../support/service.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp_proxy.ts";
import { datastorage, eventLine, start, untilStored } from "./datastorage.ts";

const lines = (correlationId: string, from: number, to: number, more: object = {}) =>
  Array.from(
    { length: to - from },
    (_, index) => `${JSON.stringify(eventLine(correlationId, from + index, more))}\n`,
  ).join("");

async function numbersOf(address: string, correlationId: string): Promise<number[]> {
  const args = ["list", "--all", "--json", "--order-by", "chain_position", "--correlation-id", correlationId];
  const { stdout } = await datastorage([...args, "--address", address]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).event_data.number as number);
}

describe("record", () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let url: string;
  before(async () => {
    database = await createDatabase("sending");
    const direct = new URL(database.url);
    proxy = await startTcpProxy(Number(direct.port));
    direct.port = String(proxy.port);
    url = direct.href;
  });
  after(async () => {
    await proxy?.close();
    await database?.drop();
  });

  test("goes on when the service was killed and is back: everything stored once, in order", async () => {
    const service = await startService({ DATABASE_URL: database.url });
    const record = start(["record", "-", "--json", "--address", service.address]);
    record.stdin.write(lines("rr-killed", 0, 300));
    await untilStored(service.address, "rr-killed", 300, record);
    await service.kill();
    record.stdin.end(lines("rr-killed", 300, 700));
    const again = await startService({ DATABASE_URL: database.url, DATASTORAGE_ADDRESS: service.address });
    const { code, stdout } = await record.ended;
    const { recorded, duplicates, events, complete } = JSON.parse(stdout);
    assert.deepEqual([code, recorded + duplicates, events, complete], [0, 700, 700, true]);
    assert.deepEqual(
      await numbersOf(again.address, "rr-killed"),
      Array.from({ length: 700 }, (_, index) => index),
    );
    assert.equal(await again.stop(), 0);
  });

  test("waits for a database that is away, as the service asks, and keeps the order", async () => {
    const service = await startService({ DATABASE_URL: url });
    const record = start(["record", "-", "--json", "--address", service.address]);
    record.stdin.write(lines("rr-away", 0, 10));
    await untilStored(service.address, "rr-away", 10, record);
    let refused = 0;
    const noticed = new Promise<void>((resolve) => {
      proxy.judge = () => {
        refused += 1;
        if (refused > 1) resolve();
        return "cut";
      };
    });
    proxy.onConnect = "pass";
    record.stdin.end(lines("rr-away", 10, 3000));
    await noticed;
    proxy.judge = () => "pass";
    const { code, stdout } = await record.ended;
    const { recorded, duplicates, batches_sent_again: sentAgain } = JSON.parse(stdout);
    assert.deepEqual([code, recorded + duplicates], [0, 3000]);
    assert.ok(sentAgain > 0, "nothing was sent again");
    assert.deepEqual(
      await numbersOf(service.address, "rr-away"),
      Array.from({ length: 3000 }, (_, index) => index),
    );
    assert.equal(await service.stop(), 0);
  });

  test("interrupted by Ctrl-C, tells what was stored and that it is safe to go on", async () => {
    const service = await startService({ DATABASE_URL: database.url });
    const record = start(["record", "-", "--address", service.address]);
    record.stdin.write(lines("rr-interrupted", 0, 5));
    await untilStored(service.address, "rr-interrupted", 5, record);
    record.kill("SIGINT");
    const { code, stdout } = await record.ended;
    assert.equal(code, 130);
    assert.match(
      stdout,
      /^5 events in .*: 5 recorded\nNot all input was read; recording the same files again is safe\.\n$/,
    );
    assert.equal(await service.stop(), 0);
  });

  test("a service that is not there is told at once, with what to do", async () => {
    const { code, stderr } = await datastorage(["record", "-", "--address", "127.0.0.1:1"]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^datastorage: the service at http:\/\/127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)\. Is it running/,
    );
    const missing = await datastorage(["record", "/nowhere/events.jsonl"]);
    assert.deepEqual(
      [missing.code, /\/nowhere\/events\.jsonl cannot be read \(ENOENT\)/.test(missing.stderr)],
      [2, true],
    );
  });
});
