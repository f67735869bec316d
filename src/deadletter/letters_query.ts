import { createHash } from "node:crypto";
import { invalid } from "../fault.ts";
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
  return Buffer.from(JSON.stringify({ query: fingerprint(query), after })).toString("base64url");
}

/**
 * The sequence that a page begins after.
 *
 * @throws Fault `invalid` when the text is no token, or was made for another query.
 */
export function decodeToken(query: LettersQuery, text: string): number {
  const token = parseToken(text);
  const description = "must be the next_page_token of a page before";
  if (token === undefined) throw invalid([{ field: "page_token", description }]);
  if (token.query !== fingerprint(query)) {
    throw invalid([{ field: "page_token", description: `${description} with the same filter` }]);
  }
  return token.after;
}

function parseToken(text: string): { query: string; after: number } | undefined {
  try {
    const token = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as { query: string; after: number };
    return typeof token.query === "string" && Number.isSafeInteger(token.after) && token.after > 0 ? token : undefined;
  } catch {
    return undefined;
  }
}

function fingerprint({ streams, reason, correlationId }: LettersQuery): string {
  const text = JSON.stringify([streams, reason ?? null, correlationId ?? null]);
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
