import { create } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import {
  DeadLetterService,
  type DiscardDeadLettersRequest,
  DiscardDeadLettersResponseSchema,
  DiscardOutcome,
  type ReplayDeadLettersRequest,
  ReplayDeadLettersResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { failpoint } from "../failpoint.ts";
import { Fault } from "../fault.ts";
import { principalKey } from "../rpc/principal.ts";
import { lettersInAct, portions, recordBeginning, recordEnd } from "./act.ts";
import { type Act, newActId } from "./act_events.ts";
import { letterId, letterPlaces } from "./letter_id.ts";
import { LettersStore } from "./letters_store.ts";
import { listLetters } from "./list_letters.ts";
import { queueStatus } from "./queue_status.ts";
import { isStored, type Replayed, replayPortion, toReplayResult } from "./replay.ts";
import type { DeadLetterParts, QueueParts } from "./service_parts.ts";

/** Registers kubernaut.audit.v1.DeadLetterService. What each call promises stands in the proto. */
export function deadLetterRoutes(parts: DeadLetterParts): (router: ConnectRouter) => void {
  const { queue } = parts;
  const open = queue && { ...queue, letters: new LettersStore(queue) };
  return (router) =>
    router.service(DeadLetterService, {
      getQueueStatus: () => queueStatus(parts),
      listDeadLetters: (request, context) => listLetters(required(open).letters, request, context.signal),
      replayDeadLetters: (request, context) => replay(parts, required(open), request, context),
      discardDeadLetters: (request, context) => discard(parts, required(open), request, context),
    });
}

interface OpenQueue extends QueueParts {
  readonly letters: LettersStore;
}

function required(queue: OpenQueue | undefined): OpenQueue {
  if (queue !== undefined) return queue;
  const message = "the service was started without a queue: there are no dead letters";
  throw new Fault("precondition", message, { reason: "QUEUE_NOT_CONFIGURED" });
}

async function replay(
  parts: DeadLetterParts,
  { letters, drainer }: OpenQueue,
  { ids }: ReplayDeadLettersRequest,
  context: HandlerContext,
) {
  const places = letterPlaces(ids);
  const known = await lettersInAct(letters, places);
  const replayed = new Map<string, Replayed>();
  let correlationId = "";
  if (known.size > 0) {
    const act = newAct("replayed", context);
    ({ correlationId } = act);
    await recordBeginning(parts, act, [...known.values()]);
    // Older letters first: they go to the ends of their chains in the order in which they came.
    const ordered = places.filter((place) => known.has(letterId(place))).sort((a, b) => a.sequence - b.sequence);
    try {
      for (const portion of portions(ordered)) {
        context.signal.throwIfAborted();
        await replayPortion(parts.writer, letters, portion, (one) => void replayed.set(one.id, one));
      }
    } finally {
      const ended = [...known.values()].map((letter) => {
        return { ...letter, outcome: replayed.get(letter.letter)?.kind ?? "unknown" };
      });
      const success = ended.every(({ letter }) => isStored(replayed.get(letter)));
      await recordEnd(parts, act, success ? "success" : "failure", ended);
      drainer.wake();
    }
  }
  const results = ids.map((id) => toReplayResult(replayed.get(id) ?? { id, kind: "not_found", eventId: "" }));
  return create(ReplayDeadLettersResponseSchema, { results, correlationId });
}

async function discard(
  parts: DeadLetterParts,
  { letters, drainer }: OpenQueue,
  { ids, reason }: DiscardDeadLettersRequest,
  context: HandlerContext,
) {
  const places = letterPlaces(ids);
  const known = await lettersInAct(letters, places);
  const outcomes = new Map<string, "discarded" | "not_found">();
  const isDiscarded = (id: string) => outcomes.get(id) === "discarded";
  let correlationId = "";
  if (known.size > 0) {
    const act = { ...newAct("discarded", context), reason };
    ({ correlationId } = act);
    await recordBeginning(parts, act, [...known.values()]);
    failpoint("letter.discard");
    try {
      for (const portion of portions(places.filter((place) => known.has(letterId(place))))) {
        const removed = await letters.remove(portion);
        for (const [index, place] of portion.entries()) {
          outcomes.set(letterId(place), removed[index] ? "discarded" : "not_found");
        }
      }
    } finally {
      const ended = [...known.values()].map((letter) => {
        return { ...letter, outcome: outcomes.get(letter.letter) ?? "unknown" };
      });
      const success = ended.every(({ letter }) => isDiscarded(letter));
      await recordEnd(parts, act, success ? "success" : "failure", ended);
      drainer.wake();
    }
  }
  const results = ids.map((id) => ({
    id,
    outcome: isDiscarded(id) ? DiscardOutcome.DISCARDED : DiscardOutcome.NOT_FOUND,
    eventId: known.get(id)?.event_id ?? "",
  }));
  return create(DiscardDeadLettersResponseSchema, { results, correlationId });
}

function newAct(kind: Act["kind"], context: HandlerContext): Act {
  return { kind, by: context.values.get(principalKey).name, correlationId: newActId() };
}
