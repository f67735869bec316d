import { randomFillSync, randomUUIDv7 } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { AuditEvent } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { nowMs } from "../clock.ts";
import type { Violation } from "../fault.ts";
import { readSubmission } from "./event_message.ts";
import { type PreparedEvent, prepareEvent } from "./prepare.ts";
import { microsText } from "./timestamp.ts";

/** What the door made of a batch: each event prepared, or the rules it breaks. In the order of the batch. */
export type Intake = readonly (PreparedEvent | { readonly violations: readonly Violation[] })[];

/** Events prepared before other work gets its turn: about a millisecond's worth. */
const EVENTS_A_TURN = 50;

let lastInLine: Promise<void> = Promise.resolve();

/**
 * Checks and prepares the events of a batch. Larger batches are prepared one after the other, so that the first can be
 * appended while the next is prepared, and give way to smaller ones in between.
 */
export async function prepareBatch(events: readonly AuditEvent[], recordedBy: string): Promise<Intake> {
  if (events.length <= EVENTS_A_TURN) return prepare(events, recordedBy);
  const prepared = lastInLine.then(() => prepare(events, recordedBy));
  lastInLine = prepared.then(
    () => {},
    () => {},
  );
  return prepared;
}

async function prepare(events: readonly AuditEvent[], recordedBy: string): Promise<Intake> {
  const context = { recordedTime: microsText(nowMicros()), recordedBy, newId: () => randomUUIDv7(), newSalt };
  const prepared: (PreparedEvent | { readonly violations: readonly Violation[] })[] = [];
  for (const [index, event] of events.entries()) {
    if (index > 0 && index % EVENTS_A_TURN === 0) await nextTurn();
    const read = readSubmission(event, `events[${index}]`);
    prepared.push("submission" in read ? prepareEvent(read.submission, context) : read);
  }
  return prepared;
}

/** Microseconds since 1970: the wall clock, with the finer digits of the monotonic one. */
export function nowMicros(): number {
  return nowMs() * 1000 + Math.floor((performance.now() % 1) * 1000);
}

const SALT_BYTES = 16;
const pool = Buffer.alloc(SALT_BYTES * 256);
let used = pool.length;

/** 16 random bytes in hex, drawn many at a time. */
function newSalt(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += SALT_BYTES;
  return pool.toString("hex", used - SALT_BYTES, used);
}
