import { type EventResult, RecordOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";

/** An outcome as one letter. */
export type Letter = "R" | "D" | "C" | "J" | "Q";

const LETTERS: Readonly<Record<RecordOutcome, Letter | undefined>> = {
  [RecordOutcome.UNSPECIFIED]: undefined,
  [RecordOutcome.RECORDED]: "R",
  [RecordOutcome.DUPLICATE]: "D",
  [RecordOutcome.CONFLICT]: "C",
  [RecordOutcome.REJECTED]: "J",
  [RecordOutcome.QUEUED]: "Q",
};

/**
 * The outcome of each event of a batch. `results` are those that the service told of; the others are RECORDED.
 *
 * @throws Error when a result is of no event of the batch, or has no outcome.
 */
export function outcomesOf(count: number, results: readonly EventResult[]): Letter[] {
  const outcomes = new Array<Letter>(count).fill("R");
  for (const { index, outcome } of results) {
    const letter = LETTERS[outcome];
    if (letter === undefined || index < 0 || index >= count) {
      throw new Error(`the service told outcome ${outcome} of event ${index} of ${count}`);
    }
    outcomes[index] = letter;
  }
  return outcomes;
}

/** Outcomes in the order of the events, each with how often it comes in a row: `R198D2`. */
export function outcomesText(outcomes: readonly Letter[]): string {
  let text = "";
  for (let at = 0; at < outcomes.length; ) {
    const letter = outcomes[at] as Letter;
    const begun = at;
    while (outcomes[at] === letter) at++;
    text += `${letter}${at - begun}`;
  }
  return text;
}

/** Reads what outcomesText wrote. */
export function* readOutcomes(text: string): Generator<Letter> {
  for (const [, letter, count] of text.matchAll(/([RDCJQ])(\d+)/g)) {
    for (let left = Number(count); left > 0; left--) yield letter as Letter;
  }
}
