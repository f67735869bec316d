// One event that only the database refuses, in a batch that comes while the database is away: the whole service, from the
// call that queues it to the replay that stores it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { DeadLetterService } from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { bufCurl } from "../interop/buf_curl.ts";
import { errorOf, newEvent, newEvents, outcomes, startAuditService } from "../support/audit_service.ts";
import { accept, refuse } from "../support/drain_site.ts";
import { adminUrl } from "../support/server.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";
import { startTestValkey } from "../support/valkey.ts";

test("a poison event in a batch of 1,000 during an outage: 999 are stored, and it once its cause is gone", async (t) => {
  const valkey = await startTestValkey();
  if (typeof valkey === "string") return t.skip(valkey);
  t.after(() => valkey.stop());
  const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
  t.after(() => proxy.close());
  const env = {
    VALKEY_URL: valkey.url,
    DATASTORAGE_QUEUE_TRIES: "2",
    DATASTORAGE_QUEUE_RETRY_WAIT: "10ms",
  };
  const { client, admin, address } = await startAuditService(t, env, proxy.port);
  const call = (method: string, request: JsonValue) =>
    bufCurl(address, method, request, "grpc", DeadLetterService) as Promise<JsonObject>;
  await refuse(admin, "poison");
  proxy.onConnect = "close";
  proxy.reset();

  const poison = newEvent({ correlationId: "rr-poison", errorCode: "poison" });
  const events = [
    ...newEvents(500, { correlationId: "rr-poison" }),
    poison,
    ...newEvents(499, { correlationId: "rr-poison" }),
  ];
  const { results } = await client.recordEvents({ events });
  assert.deepEqual(new Set(outcomes(results)), new Set(["QUEUED"]));
  const waiting = await call("GetQueueStatus", {});
  assert.deepEqual((waiting["database"] as JsonObject)["state"], "STORE_STATE_UNAVAILABLE");
  assert.ok(Number((waiting["streams"] as JsonObject[])[0]?.["depth"]) > 0);

  proxy.onConnect = "pass";
  let letters: JsonObject[] = [];
  while (letters.length === 0) {
    ({ letters = [] } = (await call("ListDeadLetters", {})) as { letters?: JsonObject[] });
    await delay(20);
  }
  while ((await client.listEvents({ filter: { correlationId: "rr-poison" }, pageSize: 1000 })).events.length < 999) {
    await delay(20);
  }
  const [letter, ...others] = letters;
  assert.deepEqual(others, []);
  assert.deepEqual(
    [letter?.["eventId"], letter?.["reason"], letter?.["correlationId"]],
    [poison.eventId, "DEAD_LETTER_REASON_REFUSED", "rr-poison"],
  );
  assert.match(String(letter?.["description"]), /23514/);
  assert.equal((await errorOf(client.getEvent({ eventId: poison.eventId }))).code, "NotFound");

  proxy.onConnect = "close";
  proxy.reset();
  const ids = [letter?.["id"] ?? ""];
  await assert.rejects(call("ReplayDeadLetters", { ids }), /unavailable/);
  await assert.rejects(call("DiscardDeadLetters", { ids, reason: "while nothing can be recorded" }), /unavailable/);
  proxy.onConnect = "pass";
  while (((await call("GetQueueStatus", {}))["database"] as JsonObject)["state"] !== "STORE_STATE_AVAILABLE") {
    await delay(20);
  }

  await accept(admin, "poison");
  const replayed = (await call("ReplayDeadLetters", { ids })) as {
    results: JsonObject[];
    correlationId: string;
  };
  assert.deepEqual(
    [replayed.results[0]?.["outcome"], replayed.results[0]?.["chainPosition"]],
    ["REPLAY_OUTCOME_RECORDED", "1000"],
  );
  const { event } = await client.getEvent({ eventId: poison.eventId });
  assert.equal(event?.chainPosition, 1000n);
  assert.deepEqual(await call("ListDeadLetters", {}), {});
  const { events: act } = await client.listEvents({ filter: { correlationId: replayed.correlationId } });
  assert.deepEqual(
    act.map(({ eventType }) => eventType),
    ["datastorage.deadletter.replayed", "datastorage.deadletter.replayed"],
  );
});
