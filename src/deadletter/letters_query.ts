import type { Json } from "../integrity/canonical.ts";
import { decodePageToken, encodePageToken } from "../page_token.ts";
import { STREAMS, type StreamName } from "./keys.ts";
import type { LetterReason, ReadLetter } from "./letter.ts";

/** Which letters; the oldest first. */
export interface LettersQuery {
  readonly streams: readonly StreamName[];
  readonly reason?: LetterReason | undefined;
  readonly correlationId?: string | undefined;
}

export function lettersQuery({ streams, reason, correlationId }: Partial<LettersQuery>): LettersQuery {
  const wanted = STREAMS.filter((stream) => streams === undefined || streams.length === 0 || streams.includes(stream));
  return { streams: wanted, reason, correlationId: correlationId || undefined };
}

export function matches({ reason, correlationId }: LettersQuery, letter: ReadLetter): boolean {
  return (
    (reason === undefined || letter.reason === reason) &&
    (correlationId === undefined || letter.correlationId === correlationId)
  );
}

/** An opaque page token: the sequence of the last letter that was looked at, bound to its query. */
export function encodeToken(query: LettersQuery, after: number): string {
  return encodePageToken(plain(query), after);
}

/**
 * The sequence that a page begins after.
 *
 * @throws Fault `invalid` when the text is no token, or was made for another query.
 */
export function decodeToken(query: LettersQuery, text: string): number {
  return decodePageToken(text, plain(query), isSequence);
}

function isSequence(cursor: unknown): cursor is number {
  return Number.isSafeInteger(cursor) && (cursor as number) > 0;
}

function plain({ streams, reason, correlationId }: LettersQuery): Json {
  return [streams, reason ?? null, correlationId ?? null];
}
