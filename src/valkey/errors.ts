import { Fault } from "../fault.ts";

/** Milliseconds after which a caller should try again. */
const RETRY_AFTER_MS = 1000;

/** What an answer of the server means for the connection: `away` where the server as a whole takes nothing now. */
export type AnswerClass = "away" | "full" | "defect";

/** The server cannot take writes now, for reasons of its own: it loads, became a replica, cannot write its disk, or is busy. */
const AWAY = /\b(LOADING|READONLY|MISCONF|MASTERDOWN|NOREPLICAS|BUSY|UNKILLABLE|NOAUTH|WRONGPASS)\b/;
const FULL = /\bOOM\b/;

/** Classes an error that the server answered; undefined where it is one of the connection. */
export function classifyAnswer(error: unknown): AnswerClass | undefined {
  if (!(error instanceof Error) || error.name !== "ReplyError") return undefined;
  // Anywhere in the text: before 7.0 an error inside a script stands behind what the script engine says of it.
  if (AWAY.test(error.message)) return "away";
  return FULL.test(error.message) ? "full" : "defect";
}

/** The queue cannot be reached, or nothing is known of what became of the command. */
export function valkeyUnavailable(message: string, cause?: unknown): Fault {
  return new Fault("unavailable", message, { reason: "VALKEY_UNAVAILABLE", retryAfterMs: RETRY_AFTER_MS, cause });
}

/** The queue has no room, and drops nothing to make some. */
export function queueFull(message: string, cause?: unknown): Fault {
  return new Fault("exhausted", message, { reason: "QUEUE_FULL", retryAfterMs: RETRY_AFTER_MS, cause });
}

/** Why there is no connection, for people: without the address that Node adds to errors of the network. */
export function reasonOf(error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === "string" && code !== "") return `the connection failed (${code})`;
  if (typeof message !== "string") return String(error);
  // What ioredis says of a link that owes an answer.
  return message.startsWith("Socket timeout") ? "it did not answer in time" : message;
}
