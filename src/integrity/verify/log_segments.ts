import type { Snapshot } from "../../postgres/snapshot.ts";
import { INDEXED, WAITING } from "./chain_statements.ts";
import type { LogSegment } from "./log_cover.ts";

/** What the log, of `logSize` entries, knows of a chain: in the order of first places, read as it is asked for. */
export async function* segments(
  snapshot: Snapshot,
  correlationId: string,
  logSize: string,
): AsyncGenerator<LogSegment, undefined> {
  const indexed = rows(snapshot, INDEXED, [correlationId, logSize], indexedSegment);
  const waiting = rows(snapshot, WAITING, [correlationId], waitingSegment);
  let [first, second] = [(await indexed.next()).value, (await waiting.next()).value];
  while (first !== undefined || second !== undefined) {
    if (second === undefined || (first !== undefined && first.firstPosition <= second.firstPosition)) {
      yield first as LogSegment;
      first = (await indexed.next()).value;
    } else {
      yield second;
      second = (await waiting.next()).value;
    }
  }
  return undefined;
}

async function* rows(
  snapshot: Snapshot,
  statement: string,
  values: readonly string[],
  read: (fields: readonly string[]) => LogSegment,
): AsyncGenerator<LogSegment, undefined> {
  for await (const page of snapshot.texts(statement, values)) for (const text of page) yield read(text.split("\u001f"));
  return undefined;
}

function indexedSegment([position, count, index, salt = "", entries = "", leaves = ""]: readonly string[]): LogSegment {
  const indexed = { firstIndex: Number(index), salt, leaves };
  return { firstPosition: Number(position), count: Number(count), indexed, hashes: entries };
}

function waitingSegment([position, count, hashes = ""]: readonly string[]): LogSegment {
  return { firstPosition: Number(position), count: Number(count), hashes };
}
