// An append is one statement that is all or nothing: whatever becomes of the connection, the caller is told that the fate is
// unknown, and the same events sent again end up stored once.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { errorOf, listAll, newEvents, outcomes, startAuditService, untilServing } from "../support/audit_service.ts";
import { adminUrl } from "../support/server.ts";
import { once, onceAnswered, startTcpProxy } from "../support/tcp_proxy.ts";

const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
const service = await startAuditService({ after }, {}, proxy.port);
after(() => proxy.close());
// The statement is prepared and its connection known: what is cut below is an append and nothing else.
await service.client.recordEvents({ events: newEvents(1, { correlationId: "first" }) });

const cases = [
  { cut: "before the statement arrives", direction: "up", verdict: "cut", again: "RECORDED" },
  { cut: "in the middle of the statement", direction: "up", verdict: "halve", again: "RECORDED" },
  { cut: "before the answer", direction: "down", verdict: "cut", again: "DUPLICATE" },
] as const;

for (const { cut, direction, verdict, again } of cases) {
  test(`a connection cut ${cut} leaves all or nothing, and the same again gives ${again}`, async () => {
    const correlationId = `cut ${cut}`;
    // Few enough to go as one append.
    const events = newEvents(100, { correlationId });
    const ofAppend = (chunk: Buffer) => chunk.includes(correlationId);
    if (direction === "up") once(proxy, "up", ofAppend, verdict);
    // The statement went through; the next thing that comes back over its connection is its answer.
    else onceAnswered(proxy, ofAppend, verdict);
    const { code, retryMs } = await errorOf(service.client.recordEvents({ events }));
    assert.equal(code, "Unavailable");
    assert.ok(retryMs !== undefined && retryMs > 0, "with RetryInfo");
    const [stored] =
      await service.admin`SELECT count(*)::int AS rows FROM audit_events WHERE correlation_id = ${correlationId}`;
    assert.equal(stored?.["rows"], again === "DUPLICATE" ? events.length : 0);

    await untilServing(service.health);
    const { results } = await service.client.recordEvents({ events });
    assert.deepEqual(new Set(outcomes(results)), new Set([again]));
    const read = await listAll(service.client, {
      filter: { correlationId },
      orderBy: "chain_position",
      pageSize: 1000,
    });
    assert.deepEqual(
      read.map((event) => [event.eventId, event.chainPosition, event.eventHash]),
      results.map((result) => [result.eventId, result.chainPosition, result.eventHash]),
      "stored once, in order, where the results say",
    );
  });
}
