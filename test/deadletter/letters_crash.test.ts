// A process that is killed in the middle of an act on dead letters.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { AuditService, StoreState } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { DeadLetterService, ReplayOutcome } from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { FAILPOINT_VARIABLE, type Failpoint } from "../../src/failpoint.ts";
import { type LettersSite, openLettersSite } from "../support/letters_site.ts";
import { preparedEvent } from "../support/prepared_event.ts";
import { startService } from "../support/service.ts";

/** Has a process of its own do an act, and be killed at a place of it. */
async function killedAt(
  { databaseUrl, valkey }: LettersSite,
  place: Failpoint,
  act: (client: Client<typeof DeadLetterService>) => Promise<unknown>,
): Promise<void> {
  const env = { DATABASE_URL: databaseUrl, VALKEY_URL: valkey.url, [FAILPOINT_VARIABLE]: place };
  const service = await startService(env);
  const baseUrl = `http://${service.address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  try {
    await untilQueueServes(createClient(AuditService, transport));
    await assert.rejects(act(createClient(DeadLetterService, transport)));
    assert.equal(await service.stop(), null, "it was killed");
  } finally {
    sessionManager.abort();
    await service.kill();
  }
}

/** A service takes calls a moment before it has found its queue; until then acts on letters are refused. */
async function untilQueueServes(client: Client<typeof AuditService>): Promise<void> {
  while ((await client.getServiceInfo({})).queue?.state !== StoreState.AVAILABLE);
}

async function outcomesOf({ admin }: LettersSite, type: string): Promise<string[]> {
  const rows = await admin<{ event_outcome: string }[]>`
    SELECT event_outcome FROM audit_events WHERE event_type = ${type} ORDER BY recorded_time`;
  return rows.map(({ event_outcome }) => event_outcome);
}

test("killed before or after its event was stored, a letter stays and can be replayed again", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const event = preparedEvent();
  const id = await site.bury(event);
  for (const [place, stored] of [
    ["letter.replay", 0],
    ["letter.replayed", 1],
  ] as const) {
    await killedAt(site, place, (client) => client.replayDeadLetters({ ids: [id] }));
    const rows: readonly object[] = await site.admin`SELECT 1 FROM audit_events WHERE event_id = ${event.eventId}`;
    assert.equal(rows.length, stored, place);
    const { letters } = await site.client.listDeadLetters({});
    assert.deepEqual(
      letters.map((letter) => letter.id),
      [id],
    );
  }
  const { results } = await site.client.replayDeadLetters({ ids: [id] });
  assert.deepEqual([results[0]?.outcome, results[0]?.chainPosition], [ReplayOutcome.DUPLICATE, 1n]);
  assert.deepEqual((await site.client.listDeadLetters({})).letters, []);
  assert.deepEqual(await outcomesOf(site, "datastorage.deadletter.replayed"), [
    "pending",
    "pending",
    "pending",
    "success",
  ]);
});

test("no letter is discarded without a record of it: that stands before anything is removed", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const id = await site.bury(preparedEvent());
  await killedAt(site, "letter.discard", (client) => client.discardDeadLetters({ ids: [id], reason: "a test" }));
  assert.deepEqual(await outcomesOf(site, "datastorage.deadletter.discarded"), ["pending"]);
  assert.equal((await site.client.listDeadLetters({})).letters.length, 1);
});
