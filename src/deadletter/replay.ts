import { create } from "@bufbuild/protobuf";
import { BadRequest_FieldViolationSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import {
  ReplayOutcome,
  type ReplayResult,
  ReplayResultSchema,
} from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import type { Outcome } from "../audit/append/outcome.ts";
import type { PreparedEvent } from "../audit/prepare.ts";
import { failpoint } from "../failpoint.ts";
import type { Violation } from "../fault.ts";
import { decodeEntry, EntryUnreadable } from "./entry.ts";
import { letterId } from "./letter_id.ts";
import type { LetterPlace, LettersStore, StoredLetter } from "./letters_store.ts";
import type { DeadLetterParts } from "./service_parts.ts";

/** What became of the replay of one letter. */
export interface Replayed {
  readonly id: string;
  readonly kind: "recorded" | "duplicate" | "rejected" | "conflict" | "not_found";
  readonly eventId: string;
  readonly eventHash?: string;
  readonly chainPosition?: number;
  readonly violations?: readonly Violation[];
}

/**
 * Stores the events of letters, in their order, and removes the letters whose events are stored. A crash in between leaves a
 * letter whose event is stored: it is found to be a duplicate when it is replayed again.
 *
 * @throws Fault when the fate of some is unknown; those of which it is known that they are stored are removed before.
 */
export async function replayPortion(
  writer: DeadLetterParts["writer"],
  letters: Pick<LettersStore, "get" | "remove">,
  places: readonly LetterPlace[],
  tell: (replayed: Replayed) => void,
): Promise<void> {
  const found = await letters.get(places);
  const opened = places.map((place, index) => openLetter(place, found[index]));
  failpoint("letter.replay");
  const events = opened.flatMap((one) => one.events);
  const { outcomes, fault } = await writer.submit(writer.open(), events, { requireRecorded: true });
  failpoint("letter.replayed");
  let next = 0;
  const results = opened.map(({ id, events: own, refusal }): Replayed | undefined => {
    if (refusal !== undefined) return refusal;
    const settled = outcomes.slice(next, next + own.length);
    next += own.length;
    const outcome = combined(settled);
    return outcome && toReplayed(id, own.length === 1 ? (own[0]?.eventId ?? "") : "", outcome);
  });
  const stored = places.filter((_, index) => isStored(results[index]));
  if (stored.length > 0) await letters.remove(stored);
  for (const result of results) if (result !== undefined) tell(result);
  if (fault !== undefined) throw fault;
}

export function isStored(replayed: Replayed | undefined): boolean {
  return replayed?.kind === "recorded" || replayed?.kind === "duplicate";
}

interface OpenLetter {
  readonly id: string;
  readonly events: readonly PreparedEvent[];
  /** Why there is nothing to store. */
  readonly refusal?: Replayed;
}

/** An entry that could not be decoded when it was drained may be one that this version can, and may hold several events. */
function openLetter(place: LetterPlace, letter: StoredLetter | undefined): OpenLetter {
  const id = letterId(place);
  if (letter === undefined) return { id, events: [], refusal: { id, kind: "not_found", eventId: "" } };
  try {
    return { id, events: decodeEntry(letter.fields) };
  } catch (error) {
    if (!(error instanceof EntryUnreadable)) throw error;
    const violations = [{ field: "", description: `it cannot be decoded: ${error.message}` }];
    return { id, events: [], refusal: { id, kind: "rejected", eventId: "", violations } };
  }
}

/** Kinds from the one that decides over a letter with several events to the one that decides last. */
const DECIDING = ["rejected", "conflict", "recorded", "duplicate"] as const;

/** The outcome of a letter by those of its events; undefined where the fate of one is unknown. */
function combined(outcomes: readonly (Outcome | undefined)[]): Outcome | undefined {
  if (outcomes.includes(undefined)) return undefined;
  return DECIDING.map((kind) => outcomes.find((outcome) => outcome?.kind === kind)).find((one) => one !== undefined);
}

function toReplayed(id: string, eventId: string, outcome: Outcome): Replayed | undefined {
  switch (outcome.kind) {
    case "recorded":
    case "duplicate": {
      const { kind, eventHash, chainPosition } = outcome;
      return { id, kind, eventId, eventHash, chainPosition };
    }
    case "conflict": {
      const violations = [{ field: "event_id", description: "was recorded before with other content" }];
      return { id, kind: "conflict", eventId, violations };
    }
    case "rejected":
      return { id, kind: "rejected", eventId, violations: outcome.violations };
    case "queued":
      return undefined;
  }
}

const OUTCOMES: Readonly<Record<Replayed["kind"], ReplayOutcome>> = {
  recorded: ReplayOutcome.RECORDED,
  duplicate: ReplayOutcome.DUPLICATE,
  rejected: ReplayOutcome.REJECTED,
  conflict: ReplayOutcome.CONFLICT,
  not_found: ReplayOutcome.NOT_FOUND,
};

export function toReplayResult(replayed: Replayed): ReplayResult {
  const { id, kind, eventId, eventHash = "", chainPosition = 0, violations = [] } = replayed;
  return create(ReplayResultSchema, {
    id,
    outcome: OUTCOMES[kind],
    eventId,
    eventHash,
    chainPosition: BigInt(chainPosition),
    violations: violations.map((violation) => create(BadRequest_FieldViolationSchema, violation)),
  });
}
