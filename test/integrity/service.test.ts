// IntegrityService of a whole service: proofs that hold by themselves, and what cannot be proved.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import type { EntryOpening } from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { entryOf, parseOpening } from "../../src/integrity/entry.ts";
import { EMPTY_ROOT, leafHash } from "../../src/integrity/merkle/hash.ts";
import { verifyConsistency, verifyInclusion } from "../../src/integrity/merkle/proofs.ts";
import { parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { parseNote, verifyNote } from "../../src/integrity/note/signed_note.ts";
import { parseTlogProof } from "../../src/integrity/note/tlog_proof.ts";
import { parseVerifierKey } from "../../src/integrity/note/verifier.ts";
import { listAll, newEvent, startAuditService } from "../support/audit_service.ts";
import { openIntegrity, startLogSite, TEST_ORIGIN, untilCovered } from "../support/log_site.ts";

/** Code and reason of the error that a call ends with. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => assert.fail("the call succeeded"),
    (thrown: unknown) => ConnectError.from(thrown),
  );
  return `${Code[error.code]} ${error.findDetails(ErrorInfoSchema)[0]?.reason}`;
}

const byId = (value: string) => ({ case: "eventId", value }) as const;
const byPlace = (value: bigint) => ({ case: "logIndex", value }) as const;
const UNKNOWN_ID = "00000000-0000-7000-8000-000000000000";

/** The entry that an opening leads to. */
function entryFrom({ logSalt, chainPosition, eventHash }: EntryOpening): string {
  return entryOf(logSalt, Number(chainPosition), eventHash);
}

const site = await startLogSite({ after });

describe("proofs of a log", () => {
  let ids: string[];
  before(async () => {
    ids = await site.record(300, "rr-proofs");
  });

  it("GetCheckpoint tells the signed state, its keys and how far the log has come", async () => {
    const answer = await site.integrity.getCheckpoint({});
    const note = parseNote(answer.checkpoint);
    const { origin, size, root } = parseCheckpoint(note.text);
    assert.deepEqual([origin, BigInt(size), root], [TEST_ORIGIN, answer.treeSize, Buffer.from(answer.rootHash)]);
    assert.equal(answer.origin, TEST_ORIGIN);
    assert.ok(answer.logSize >= answer.treeSize && answer.treeSize >= 300n);
    assert.ok(Math.abs(Number(answer.publishedTime?.seconds) * 1000 - Date.now()) < 60_000);
    assert.deepEqual(
      new Set(answer.verifierKeys.map(({ purpose }) => purpose)),
      new Set(["log", "cosigner", "export"]),
    );
    const verifiers = answer.verifierKeys.map(({ verifierKey }) => parseVerifierKey(verifierKey));
    assert.equal(verifyNote(note, verifiers).length, 2);
    for (const { firstUsedTime, lastUsedTime } of answer.verifierKeys) assert.ok(firstUsedTime && lastUsedTime);
  });

  it("GetInclusionProof leads from an event to the root, by id and by place, in every tree that holds it", async () => {
    const { treeSize, rootHash } = await site.integrity.getCheckpoint({});
    for (const eventId of [ids[0], ids[7], ids[299]] as string[]) {
      const proof = await site.integrity.getInclusionProof({ of: byId(eventId.toUpperCase()) });
      assert.ok(proof.treeSize >= treeSize);
      for (const size of new Set([proof.logIndex + 1n, treeSize, 0n])) {
        const one = await site.integrity.getInclusionProof({ of: byPlace(proof.logIndex), treeSize: size });
        const hashes = one.hashes.map((hash) => Buffer.from(hash));
        const leaf = leafHash(Buffer.from(one.entry));
        const [index, entries] = [Number(one.logIndex), Number(one.treeSize)];
        assert.ok(verifyInclusion(index, entries, leaf, hashes, Buffer.from(one.rootHash)));
        if (size === treeSize) assert.deepEqual(one.rootHash, rootHash);
        assert.deepEqual(one.opening, proof.opening);
      }
      const { event } = await site.client.getEvent({ eventId });
      const opening = proof.opening as EntryOpening;
      assert.deepEqual(
        [opening.eventId, opening.eventHash, opening.correlationId, opening.chainPosition],
        [eventId, event?.eventHash, "rr-proofs", event?.chainPosition],
      );
      assert.equal(entryFrom(opening), Buffer.from(proof.entry).toString("hex"));
    }
  });

  it("GetInclusionProof refuses what there is no proof of", async () => {
    const { logSize } = await site.integrity.getCheckpoint({});
    const { logIndex } = await site.integrity.getInclusionProof({ of: byId(ids[299] as string) });
    const prove = (request: Parameters<typeof site.integrity.getInclusionProof>[0]) =>
      refusal(site.integrity.getInclusionProof(request));
    assert.equal(await prove({ of: byId(UNKNOWN_ID) }), "NotFound EVENT_NOT_FOUND");
    assert.equal(await prove({ of: byPlace(logSize + 1000n) }), "NotFound EVENT_NOT_FOUND");
    assert.equal(await prove({ of: byPlace(2n ** 63n - 1n) }), "NotFound EVENT_NOT_FOUND");
    assert.equal(await prove({ of: byPlace(logIndex), treeSize: logIndex }), "FailedPrecondition NOT_COVERED");
    assert.equal(await prove({ of: byPlace(0n), treeSize: logSize + 1000n }), "OutOfRange TREE_TOO_LARGE");
    assert.equal(await prove({ of: byPlace(0n), treeSize: 2n ** 63n - 1n }), "OutOfRange TREE_TOO_LARGE");
    assert.equal(await prove({}), "InvalidArgument INVALID_ARGUMENT");
    assert.equal(await prove({ of: byId("no uuid") }), "InvalidArgument INVALID_ARGUMENT");
    assert.equal(await prove({ of: byPlace(-1n) }), "InvalidArgument INVALID_ARGUMENT");
    assert.equal(await prove({ of: byPlace(0n), treeSize: -1n }), "InvalidArgument INVALID_ARGUMENT");
  });

  it("an event that waits for its place is not covered, and is soon", async () => {
    const waiting = newEvent({ correlationId: "rr-waiting" });
    // Whoever would index it waits for this row.
    await site.admin.begin(async (held) => {
      await held`SELECT FROM audit_log_state FOR UPDATE`;
      await site.client.recordEvents({ events: [waiting] });
      const of = byId(waiting.eventId);
      assert.equal(await refusal(site.integrity.getInclusionProof({ of })), "FailedPrecondition NOT_COVERED");
      const { eventId } = waiting;
      assert.equal(await refusal(site.integrity.getReceipt({ eventId })), "FailedPrecondition NOT_COVERED");
    });
    await untilCovered(site.integrity, waiting.eventId);
  });

  it("GetConsistencyProof leads from every smaller tree to a larger one", async () => {
    const { treeSize } = await site.integrity.getCheckpoint({});
    for (const from of [0n, 1n, 2n, 128n, 255n, 256n, 257n, treeSize - 1n, treeSize]) {
      for (const to of [0n, treeSize]) {
        const proof = await site.integrity.getConsistencyProof({ fromTreeSize: from, toTreeSize: to });
        const [fromRoot, toRoot] = [Buffer.from(proof.fromRootHash), Buffer.from(proof.toRootHash)];
        const hashes = proof.hashes.map((hash) => Buffer.from(hash));
        assert.equal(proof.fromTreeSize, from);
        assert.ok(to === 0n ? proof.toTreeSize >= treeSize : proof.toTreeSize === to);
        assert.ok(verifyConsistency(Number(from), fromRoot, Number(proof.toTreeSize), toRoot, hashes), `${from} ${to}`);
        if (from === 0n) assert.deepEqual(fromRoot, EMPTY_ROOT);
      }
    }
  });

  it("GetConsistencyProof refuses what there is no proof of", async () => {
    const { logSize } = await site.integrity.getCheckpoint({});
    const prove = (fromTreeSize: bigint, toTreeSize: bigint) =>
      refusal(site.integrity.getConsistencyProof({ fromTreeSize, toTreeSize }));
    assert.equal(await prove(2n, 1n), "InvalidArgument INVALID_ARGUMENT");
    assert.equal(await prove(-1n, 1n), "InvalidArgument INVALID_ARGUMENT");
    assert.equal(await prove(1n, logSize + 1000n), "OutOfRange TREE_TOO_LARGE");
    assert.equal(await prove(logSize + 1000n, 0n), "OutOfRange TREE_TOO_LARGE");
    assert.equal(await prove(2n ** 63n - 2n, 2n ** 63n - 1n), "OutOfRange TREE_TOO_LARGE");
  });

  it("GetReceipt gives what can be checked without the service", async () => {
    const eventId = ids[42] as string;
    const { receipt, logIndex, treeSize } = await site.integrity.getReceipt({ eventId });
    const { event } = await site.client.getEvent({ eventId });
    const proof = parseTlogProof(receipt);
    const note = parseNote(proof.checkpoint);
    const { verifierKeys } = await site.integrity.getCheckpoint({});
    assert.equal(
      verifyNote(
        note,
        verifierKeys.map(({ verifierKey }) => parseVerifierKey(verifierKey)),
      ).length,
      2,
    );
    const { size, root } = parseCheckpoint(note.text);
    assert.deepEqual([BigInt(proof.index), BigInt(size)], [logIndex, treeSize]);
    const opening = parseOpening(proof.extra?.toString() ?? "");
    assert.ok(opening);
    assert.deepEqual([opening.event_id, opening.event_hash], [eventId, event?.eventHash]);
    const entry = Buffer.from(entryOf(opening.log_salt, opening.chain_position, opening.event_hash), "hex");
    assert.ok(verifyInclusion(proof.index, size, leafHash(entry), proof.hashes, root));
    assert.equal(await refusal(site.integrity.getReceipt({ eventId: UNKNOWN_ID })), "NotFound EVENT_NOT_FOUND");
    assert.equal(await refusal(site.integrity.getReceipt({ eventId: "x" })), "InvalidArgument INVALID_ARGUMENT");
  });

  it("VerifyChain finds a chain intact and leaves an event of that under another correlation", async () => {
    const answer = await site.integrity.verifyChain({ correlationId: "rr-proofs" });
    assert.deepEqual(
      [answer.intact, answer.events, answer.headPosition, answer.faultCount, answer.firstFault],
      [true, 300n, 300n, 0n, undefined],
    );
    assert.deepEqual([answer.indexedEvents, answer.coveredEvents], [300n, 300n]);
    assert.match(answer.verificationId, /^verification-[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const event = await verificationEvent(answer.verificationId);
    assert.deepEqual(event, {
      type: "datastorage.chain.verified",
      outcome: 1,
      data: { correlation_id: "rr-proofs", events: 300, fault_count: 0, intact: true },
    });
  });

  it("VerifyChain refuses what is no chain, and leaves nothing of that", async () => {
    const verify = (correlationId: string) => refusal(site.integrity.verifyChain({ correlationId }));
    assert.equal(await verify("rr-nowhere"), "NotFound CHAIN_NOT_FOUND");
    assert.equal(await verify(""), "InvalidArgument INVALID_ARGUMENT");
    assert.equal(await verify("a\0b"), "InvalidArgument INVALID_ARGUMENT");
    const [{ count }] = (await site.admin`
      SELECT count(*)::int FROM audit_events
      WHERE event_type = 'datastorage.chain.verified' AND resource_id = 'rr-nowhere'`) as [{ count: number }];
    assert.equal(count, 0);
  });

  /** The event that a verification left, once it is stored and covered. */
  async function verificationEvent(correlationId: string) {
    for (;;) {
      const [event] = await listAll(site.client, { filter: { correlationId } });
      if (event === undefined) continue;
      await untilCovered(site.integrity, event.eventId);
      const data = event.payload.case === "eventData" ? event.payload.value : undefined;
      return { type: event.eventType, outcome: event.eventOutcome as number, data };
    }
  }

  it("what was changed behind the service's back is named, and never proved", async () => {
    const [first = "", second = "", third = ""] = await site.record(4, "rr-tampered");
    const { logIndex } = await site.integrity.getInclusionProof({ of: byId(second) });
    await site.admin.begin(async (sql) => {
      await sql`SET LOCAL session_replication_role = replica`;
      await sql`UPDATE audit_events SET event_hash = repeat('0', 64) WHERE event_id = ${first}`;
      await sql`DELETE FROM audit_events WHERE event_id = ${second}`;
    });
    assert.equal(await refusal(site.integrity.getReceipt({ eventId: first })), "FailedPrecondition LOG_CONTRADICTED");
    const changed = await site.integrity.getInclusionProof({ of: byId(first) });
    assert.notEqual(entryFrom(changed.opening as EntryOpening), Buffer.from(changed.entry).toString("hex"));

    assert.equal(await refusal(site.integrity.getReceipt({ eventId: second })), "NotFound EVENT_NOT_FOUND");
    const removed = await site.integrity.getInclusionProof({ of: byPlace(logIndex) });
    const opening = removed.opening as EntryOpening;
    assert.deepEqual(
      [opening.eventId, opening.eventHash, opening.correlationId, opening.chainPosition],
      ["", "", "rr-tampered", 2n],
    );

    const answer = await site.integrity.verifyChain({ correlationId: "rr-tampered" });
    assert.equal(answer.intact, false);
    assert.equal(answer.firstFault?.chainPosition, 1n);
    assert.deepEqual(answer.faults[0], answer.firstFault);
    assert.ok(answer.faultCount >= 2n);
    const event = await verificationEvent(answer.verificationId);
    assert.equal(event.outcome, 2);
    assert.partialDeepStrictEqual(event.data, { intact: false, first_fault: { chain_position: 1 } });

    // The last tile is not full: nobody keeps it, and nothing that would mend it is added meanwhile.
    await site.admin`UPDATE audit_log_tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)
      WHERE level = 0 AND tile_index = ${Number(logIndex / 256n)}`;
    assert.equal(await refusal(site.integrity.getReceipt({ eventId: third })), "FailedPrecondition LOG_CONTRADICTED");
    await site.admin`DELETE FROM audit_log_tiles WHERE level = 0 AND tile_index = ${Number(logIndex / 256n)}`;
    assert.equal(await refusal(site.integrity.getReceipt({ eventId: third })), "FailedPrecondition LOG_CONTRADICTED");

    await site.admin`UPDATE audit_log_state SET published_note = 'no note'`;
    for (const call of [
      () => site.integrity.getCheckpoint({}),
      () => site.integrity.getReceipt({ eventId: third }),
      () => site.integrity.getInclusionProof({ of: byId(third) }),
      () => site.integrity.getConsistencyProof({ fromTreeSize: 1n }),
    ]) {
      assert.equal(await refusal(call()), "FailedPrecondition LOG_CONTRADICTED");
    }
    const last = 2n ** 63n - 1n;
    await site.admin`UPDATE audit_log_state SET size = ${last.toString()}`;
    const proof = site.integrity.getInclusionProof({ of: byPlace(logIndex), treeSize: last });
    assert.equal(await refusal(proof), "OutOfRange TREE_TOO_LARGE");
    await site.admin.begin(async (sql) => {
      await sql`SET LOCAL session_replication_role = replica`;
      await sql`UPDATE audit_events SET chain_position = ${last.toString()} WHERE event_id = ${third}`;
    });
    assert.equal(await refusal(site.integrity.getReceipt({ eventId: third })), "FailedPrecondition LOG_CONTRADICTED");
  });
});

it("without a key there is no checkpoint, and proofs of a size hold all the same", async (t) => {
  const service = await startAuditService(t);
  const integrity = openIntegrity(t, service.address);
  const event = newEvent();
  await service.client.recordEvents({ events: [event] });
  const { eventId } = event;
  assert.equal(await refusal(integrity.getCheckpoint({})), "FailedPrecondition NO_CHECKPOINT");
  assert.equal(await refusal(integrity.getConsistencyProof({})), "FailedPrecondition NO_CHECKPOINT");
  const indexed = async () => {
    for (;;) {
      const answer = await refusal(integrity.getReceipt({ eventId }));
      if (answer !== "FailedPrecondition NOT_COVERED") return answer;
    }
  };
  assert.equal(await indexed(), "FailedPrecondition NO_CHECKPOINT");
  const proof = await integrity.getInclusionProof({ of: byId(eventId), treeSize: 1n });
  const leaf = leafHash(Buffer.from(proof.entry));
  assert.ok(verifyInclusion(0, 1, leaf, [], Buffer.from(proof.rootHash)));
  const { status } = await fetch(`http://${service.address}/checkpoint`);
  assert.equal(status, 404);
});
