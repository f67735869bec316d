import { create } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import {
  GetCheckpointResponseSchema,
  type GetConsistencyProofRequest,
  GetConsistencyProofResponseSchema,
  type GetInclusionProofRequest,
  GetInclusionProofResponseSchema,
  type GetReceiptRequest,
  GetReceiptResponseSchema,
  IntegrityService,
  type VerifyChainRequest,
  VerifyChainRequestSchema,
} from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { prepareOwnEvents } from "../audit/own_event.ts";
import { parseTimestamp } from "../audit/timestamp.ts";
import { invalid } from "../fault.ts";
import { callerOf, withFitTexts } from "../rpc/request_texts.ts";
import { Turns } from "../turns.ts";
import { EMPTY_ROOT } from "./merkle/hash.ts";
import { toEntryOpening, toVerifierKey, toVerifyChainResponse } from "./messages.ts";
import { proveConsistency } from "./proofs/consistency.ts";
import { proveInclusion } from "./proofs/inclusion.ts";
import { eventOfPlace, type PlacedEvent, placeOfEvent } from "./proofs/placed_event.ts";
import { eventNotFound, proving, treeTooLarge } from "./proofs/proof_faults.ts";
import { makeReceipt } from "./proofs/receipt.ts";
import { publishedCheckpoint, type TreeHead, treeOfSize } from "./proofs/tree_head.ts";
import type { IntegrityParts, ProofParts } from "./service_parts.ts";
import { chainVerified, newVerificationId } from "./verification_events.ts";
import { verifyChain } from "./verify/verify_chain.ts";

/** Chains that are verified at the same time: each takes a connection of its own, and one thread works on all of them. */
const VERIFICATIONS_AT_ONCE = 2;

/** Registers kubernaut.audit.v1.IntegrityService. What each call promises stands in the proto. */
export function integrityRoutes(parts: IntegrityParts): (router: ConnectRouter) => void {
  const turns = new Turns(VERIFICATIONS_AT_ONCE);
  return (router) =>
    router.service(IntegrityService, {
      verifyChain: withFitTexts(VerifyChainRequestSchema, (request, context) => verify(parts, turns, request, context)),
      getCheckpoint: (_, { signal }) => getCheckpoint(parts, signal),
      getInclusionProof: (request, { signal }) => proving(() => getInclusionProof(parts, request, signal)),
      getConsistencyProof: (request, { signal }) => proving(() => getConsistencyProof(parts, request, signal)),
      getReceipt: (request, { signal }) => proving(() => getReceipt(parts, request, signal)),
    });
}

/** Verifies a chain and hands the event of that to the outbox; the answer does not wait for it to be stored. */
async function verify(
  parts: IntegrityParts,
  turns: Turns,
  { correlationId }: VerifyChainRequest,
  context: HandlerContext,
) {
  const verificationId = newVerificationId();
  const place = parts.events.reserve(1);
  try {
    const report = await turns.take(context.signal, () => verifyChain(parts, correlationId, context.signal));
    const event = chainVerified(verificationId, correlationId, report);
    place.fill(await prepareOwnEvents([event], callerOf(context)));
    return toVerifyChainResponse(report, verificationId);
  } finally {
    place.release();
  }
}

async function getCheckpoint({ log }: ProofParts, signal: AbortSignal) {
  const [state, keys, pending] = await Promise.all([log.state(signal), log.keys(signal), log.pendingEvents(signal)]);
  const { note, origin, size, root } = publishedCheckpoint(state);
  return create(GetCheckpointResponseSchema, {
    checkpoint: note,
    origin,
    treeSize: BigInt(size),
    rootHash: root,
    ...(state.publishedTime !== undefined && { publishedTime: parseTimestamp(state.publishedTime) }),
    verifierKeys: keys.map(toVerifierKey),
    logSize: BigInt(state.size),
    pendingEvents: BigInt(pending),
  });
}

async function getInclusionProof(parts: ProofParts, { of, treeSize }: GetInclusionProofRequest, signal: AbortSignal) {
  const { logIndex, opening } = await placeOf(parts, of, signal);
  const tree = await treeOfSize(parts.tiles, await parts.log.state(signal), "tree_size", treeSize);
  const { entry, hashes } = await proveInclusion(parts.tiles, logIndex, tree);
  return create(GetInclusionProofResponseSchema, {
    logIndex: BigInt(logIndex),
    treeSize: BigInt(tree.size),
    rootHash: tree.root,
    entry,
    hashes: [...hashes],
    opening: toEntryOpening(opening),
  });
}

async function placeOf(
  parts: ProofParts,
  of: GetInclusionProofRequest["of"],
  signal: AbortSignal,
): Promise<PlacedEvent> {
  if (of.case === undefined) throw invalid([{ field: "event_id", description: "this or log_index is required" }]);
  if (of.case === "eventId") return placeOfEvent(parts, of.value, signal);
  if (of.value > Number.MAX_SAFE_INTEGER) throw eventNotFound(`at place ${of.value} of the log`);
  return eventOfPlace(parts, Number(of.value), signal);
}

async function getConsistencyProof(
  { log, tiles }: ProofParts,
  { fromTreeSize, toTreeSize }: GetConsistencyProofRequest,
  signal: AbortSignal,
) {
  if (toTreeSize > 0n && fromTreeSize > toTreeSize) throw backwards(toTreeSize);
  const state = await log.state(signal);
  if (fromTreeSize > state.size) throw treeTooLarge("from_tree_size", fromTreeSize, state.size);
  const to = await treeOfSize(tiles, state, "to_tree_size", toTreeSize);
  if (fromTreeSize > to.size) throw backwards(BigInt(to.size));
  const from: TreeHead =
    fromTreeSize === 0n
      ? { size: 0, root: EMPTY_ROOT }
      : await treeOfSize(tiles, state, "from_tree_size", fromTreeSize);
  const hashes = await proveConsistency(tiles, from, to);
  return create(GetConsistencyProofResponseSchema, {
    fromTreeSize: BigInt(from.size),
    toTreeSize: BigInt(to.size),
    fromRootHash: from.root,
    toRootHash: to.root,
    hashes: [...hashes],
  });
}

function backwards(toTreeSize: bigint) {
  return invalid([{ field: "from_tree_size", description: `must be at most to_tree_size, which is ${toTreeSize}` }]);
}

async function getReceipt(parts: ProofParts, { eventId }: GetReceiptRequest, signal: AbortSignal) {
  const { text, logIndex, treeSize } = await makeReceipt(parts, eventId, signal);
  return create(GetReceiptResponseSchema, { receipt: text, logIndex: BigInt(logIndex), treeSize: BigInt(treeSize) });
}
