import type { Commands } from "../valkey/valkey.ts";
import { bytesOf } from "./entry.ts";
import { GROUP, QUEUE_KEYS, STREAMS, type StreamName } from "./keys.ts";

/** Names an entry. `sequence` counts over both streams and over dead letters: it is the order of the queue. */
export interface EntryPlace {
  readonly stream: StreamName;
  readonly sequence: number;
}

/** An entry as it stands in the queue. */
export interface StoredEntry extends EntryPlace {
  readonly fields: Readonly<Record<string, string>>;
  readonly bytes: number;
  /** Undefined: it has not failed for itself yet. */
  readonly tries: Tries | undefined;
}

/** What is known of the failures of one entry; times are RFC 3339. */
export interface Tries {
  readonly tries: number;
  readonly firstFailed: string;
  readonly lastError: string;
}

/** How much one stream and its dead letters hold. */
export interface StreamDepth {
  readonly entries: number;
  readonly bytes: number;
  readonly letters: number;
  readonly letterBytes: number;
  /** When its first entry was queued, RFC 3339; undefined when it is empty. */
  readonly oldest: string | undefined;
}

export type QueueDepth = Readonly<Record<StreamName, StreamDepth>>;

/** Entries that one consumer has read and not settled. */
export interface Pending {
  readonly consumer: string;
  readonly pending: number;
  readonly idleMs: number;
}

/** Of a stream that was not looked at yet. */
export const EMPTY: StreamDepth = { entries: 0, bytes: 0, letters: 0, letterBytes: 0, oldest: undefined };

/** An array of a script: a word, then what the script says it gives. */
export type Answer = readonly unknown[];

/** The id with which XAUTOCLAIM says that it has seen all. */
export const NO_MORE = "0-0";

/** How many names and values there are, then these. */
export function listOf(fields: Readonly<Record<string, string>>): (string | number)[] {
  const list = Object.entries(fields).flat();
  return [list.length, ...list];
}

/** Reads entries and the tries of each, as claim.lua, read.lua and reread.lua give them. */
export function storedEntries(stream: StreamName, entries: unknown, tries: unknown): StoredEntry[] {
  return (entries as [string, string[]][]).map(([id, list], index) => {
    const fields = fieldsOf(list);
    const noted = (tries as string[])[index];
    return { stream, sequence: Number(id.split("-")[0]), fields, bytes: bytesOf(fields), tries: readTries(noted) };
  });
}

function fieldsOf(list: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) fields[list[at] as string] = list[at + 1] as string;
  return fields;
}

function readTries(text: string | undefined): Tries | undefined {
  if (!text) return undefined;
  const noted = JSON.parse(text) as { tries: number; first_failed: string; last_error: string };
  return { tries: noted.tries, firstFailed: noted.first_failed, lastError: noted.last_error };
}

/** Reads the answer of depth.lua. */
export function depthOf(answer: Answer): QueueDepth {
  const [events, notifications] = STREAMS.map((_, index) => {
    const at = 3 + index * 5;
    const [entries, bytes, letters, letterBytes] = answer.slice(at, at + 4) as [number, number, number, number];
    return { entries, bytes, letters, letterBytes, oldest: textOrNone(answer[at + 4]) };
  });
  return { events: events ?? EMPTY, notifications: notifications ?? EMPTY };
}

/** What each consumer of a stream has read and not settled. */
export async function readPending(redis: Commands, stream: StreamName): Promise<Pending[]> {
  const consumers = (await redis.call("XINFO", "CONSUMERS", QUEUE_KEYS[stream], GROUP)) as (string | number)[][];
  return consumers.map((facts) => {
    const fact = (name: string) => facts[facts.indexOf(name) + 1];
    return { consumer: String(fact("name")), pending: Number(fact("pending")), idleMs: Number(fact("idle")) };
  });
}

export function textOrNone(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
