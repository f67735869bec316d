import { createHash } from "node:crypto";
import { invalid } from "./fault.ts";
import { canonicalText, type Json } from "./integrity/canonical.ts";

const DESCRIPTION = "must be the next_page_token of a page before";

/**
 * An opaque page token: where a page ended, bound to the query that it belongs to. `query` is what decides which items there
 * are and in which order, not the size of a page.
 */
export function encodePageToken(query: Json, cursor: Json): string {
  return Buffer.from(JSON.stringify({ query: fingerprint(query), cursor })).toString("base64url");
}

/**
 * The cursor of a page token. A token is not signed and may come from anyone: `isCursor` must accept nothing but a cursor
 * with which a page of this query may end.
 *
 * @throws Fault `invalid` (field page_token) when the text is no token, or was made for another query.
 */
export function decodePageToken<C>(text: string, query: Json, isCursor: (cursor: unknown) => cursor is C): C {
  const token = parseToken(text);
  if (token === undefined || !isCursor(token.cursor)) {
    throw invalid([{ field: "page_token", description: DESCRIPTION }]);
  }
  if (token.query !== fingerprint(query)) {
    throw invalid([{ field: "page_token", description: `${DESCRIPTION} of the same query` }]);
  }
  return token.cursor;
}

function parseToken(text: string): { query: string; cursor: unknown } | undefined {
  try {
    const token = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as {
      query?: unknown;
      cursor?: unknown;
    } | null;
    if (typeof token?.query !== "string" || token.cursor === undefined) return undefined;
    return { query: token.query, cursor: token.cursor };
  } catch {
    return undefined;
  }
}

function fingerprint(query: Json): string {
  return createHash("sha256").update(canonicalText(query)).digest("base64url").slice(0, 16);
}
