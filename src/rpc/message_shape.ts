import type { ConnectError } from "@connectrpc/connect";
import { Fault } from "../fault.ts";
import { faultError } from "./errors.ts";

/**
 * Fields and list elements that a message may have at its top level, counted before it is decoded. An empty element takes
 * two bytes on the wire and over a kilobyte decoded: without a bound, one message of 4 MiB becomes 3 GB. No list that a
 * request of this service may have comes near it.
 */
export const MAX_TOP_LEVEL = 10_000;

/**
 * Refuses a protobuf message with more than MAX_TOP_LEVEL fields at its top level, repeated and unknown ones each counted
 * (INVALID_ARGUMENT, reason TOO_MANY_FIELDS). No schema is needed. What is malformed is left for the decoder to refuse.
 */
export function checkBinaryShape(bytes: Uint8Array): void {
  let at = 0;
  for (let fields = 1; at < bytes.byteLength; fields += 1) {
    if (fields > MAX_TOP_LEVEL) throw tooMany();
    const wireType = (bytes[at] ?? 0) & 7;
    at = afterVarint(bytes, at);
    if (wireType === 0) at = afterVarint(bytes, at);
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType === 2) at = afterVarint(bytes, at) + varint32(bytes, at);
  }
}

/** The same for a message in JSON: members of the message, and elements of its lists and members of its objects. */
export function checkJsonShape(bytes: Uint8Array): void {
  let depth = 0;
  let separators = 0;
  for (let at = 0; at < bytes.byteLength; at += 1) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at);
        break;
      case BRACE:
      case BRACKET:
        depth += 1;
        break;
      case END_BRACE:
      case END_BRACKET:
        depth -= 1;
        break;
      case COMMA:
        if (depth <= 2) separators += 1;
        if (separators >= MAX_TOP_LEVEL) throw tooMany();
    }
  }
}

const [QUOTE, BACKSLASH, BRACE, BRACKET, END_BRACE, END_BRACKET, COMMA] = [...'"\\{[}],'].map((c) => c.charCodeAt(0));

/** Where the string that begins at `at` has its closing quote. */
function endOfString(bytes: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < bytes.byteLength && bytes[end] !== QUOTE) end += bytes[end] === BACKSLASH ? 2 : 1;
  return end;
}

function afterVarint(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end < bytes.byteLength && (bytes[end] as number) >= 0x80) end += 1;
  return end + 1;
}

/** The varint at `at`, as far as it can be a length. */
function varint32(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = bytes[at + index] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) break;
  }
  return value;
}

function tooMany(): ConnectError {
  const description = `at most ${MAX_TOP_LEVEL} fields and list elements at the top level of a message`;
  const violations = [{ field: "", description }];
  return faultError(new Fault("invalid", description, { reason: "TOO_MANY_FIELDS", violations }));
}
