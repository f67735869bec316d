import { type IngestEventsResponse, RecordOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Violation } from "../../fault.ts";
import type { Batch, Origin } from "./batches.ts";

/** Something in the input that was not stored, and why. */
export interface Problem extends Origin {
  readonly kind: "rejected" | "conflict" | "unreadable";
  /** Absent where the line is no event. */
  readonly eventId?: string;
  readonly violations: readonly Violation[];
}

/** What became of the events of a run. */
export class Tally {
  /** Problems that are kept to be shown; all are counted. */
  readonly #shown: number;
  readonly problems: Problem[] = [];
  lines = 0;
  /** Lines that are events, or were meant to be. */
  events = 0;
  recorded = 0;
  duplicates = 0;
  /** Those of the duplicates whose batch was sent more than once: this run may have recorded them itself. */
  duplicatesSentAgain = 0;
  conflicts = 0;
  rejected = 0;
  queued = 0;
  /** Lines that are no event at all. */
  unreadable = 0;
  batchesSentAgain = 0;
  readonly #sentAgain = new Set<bigint>();

  constructor(shown: number) {
    this.#shown = shown;
  }

  /** Events and lines that were not stored. */
  get refused(): number {
    return this.conflicts + this.rejected + this.unreadable;
  }

  get settled(): number {
    return this.recorded + this.duplicates + this.conflicts + this.rejected + this.queued;
  }

  /** Counts an event or line that was refused before it was sent. */
  addLocal(problem: Problem): void {
    if (problem.kind === "unreadable") this.unreadable += 1;
    else {
      this.events += 1;
      this.rejected += 1;
    }
    this.#keep(problem);
  }

  /** Counts an answer that settles a batch. */
  addAnswer(batch: Batch, answer: IngestEventsResponse): void {
    this.recorded += answer.recorded;
    this.duplicates += answer.duplicates;
    this.conflicts += answer.conflicts;
    this.rejected += answer.rejected;
    this.queued += answer.queued;
    if (this.#sentAgain.delete(batch.number)) this.duplicatesSentAgain += answer.duplicates;
    for (const { index, outcome, violations, eventId } of answer.results) {
      const kind = KINDS[outcome];
      const origin = batch.origins[index];
      if (kind === undefined || origin === undefined) continue;
      this.#keep({ ...origin, kind, eventId, violations: violations.map(asInLine) });
    }
  }

  addRetry(batches: readonly Batch[]): void {
    this.batchesSentAgain += batches.length;
    for (const { number } of batches) this.#sentAgain.add(number);
  }

  #keep(problem: Problem): void {
    if (this.problems.length < this.#shown) this.problems.push(problem);
  }

  /** The summary as `--json` prints it. `complete`: whether all input was read and sent. */
  toJson(seconds: number, complete: boolean): Record<string, unknown> {
    return {
      lines: this.lines,
      events: this.events,
      recorded: this.recorded,
      duplicates: this.duplicates,
      duplicates_sent_again: this.duplicatesSentAgain,
      conflicts: this.conflicts,
      rejected: this.rejected,
      queued: this.queued,
      unreadable_lines: this.unreadable,
      unsettled: this.events - this.settled,
      batches_sent_again: this.batchesSentAgain,
      seconds: Number(seconds.toFixed(3)),
      complete: complete && this.events === this.settled,
      problems: this.problems.map(({ file, line, kind, eventId, violations }) => ({
        file,
        line,
        kind,
        ...(eventId !== undefined && { event_id: eventId }),
        violations,
      })),
      problems_not_shown: this.refused - this.problems.length,
    };
  }
}

const KINDS: Readonly<Partial<Record<RecordOutcome, Problem["kind"]>>> = {
  [RecordOutcome.REJECTED]: "rejected",
  [RecordOutcome.CONFLICT]: "conflict",
};

/** `events[3].event_type` is `event_type` to somebody who looks at one line, and event_data_json what they call event_data. */
function asInLine({ field, description }: Violation): Violation {
  return { field: field.replace(/^events\[\d+\]\.?/, "").replace(/^event_data_json\b/, "event_data"), description };
}
