import { create } from "@bufbuild/protobuf";
import type { AuditEvent, PayloadForm } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { type LogRange, LogRangeSchema } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { PageSize } from "../../page_size.ts";
import type { WalkStep } from "../read/log_walk.ts";
import { eventSize, toAuditEvent } from "../stored_event.ts";

/** What one message tells of a step. */
export interface MessagePart {
  readonly events: AuditEvent[];
  readonly removed: LogRange[];
  /** Everything of the step up to here is in this part or one before. */
  readonly upTo: number;
}

/** What a range takes in a message, as ProtoJSON. */
const RANGE_BYTES = 80;

/** A step in parts that fit into messages of less than 4 MiB; each is made when it is asked for. */
export function* toMessages(step: WalkStep, form: PayloadForm): Generator<MessagePart> {
  let part: { events: AuditEvent[]; removed: LogRange[] } = { events: [], removed: [] };
  let size = new PageSize();
  const range = { bound: RANGE_BYTES, measure: () => RANGE_BYTES };
  const places = inOrder(step);
  for (const place of places) {
    const event = "row" in place ? toAuditEvent(place.row, form) : undefined;
    const item = "row" in place && event !== undefined ? eventSize(event, place.row, form) : range;
    if (!size.fits(item)) {
      yield { ...part, upTo: place.first - 1 };
      part = { events: [], removed: [] };
      size = new PageSize();
      size.fits(item);
    }
    if (event !== undefined) part.events.push(event);
    else addRange(part.removed, place);
  }
  yield { ...part, upTo: step.upTo };
}

type Place = { readonly first: number; readonly last: number };

/** The rows and removed stretches of a step by their place in the log. */
function* inOrder({ rows, removed }: WalkStep): Generator<Place & ({ row: WalkStep["rows"][number] } | object)> {
  let next = 0;
  for (const row of rows) {
    const first = Number(row.log_index);
    for (; next < removed.length && (removed[next] as Place).first < first; next++) yield removed[next] as Place;
    yield { first, last: first, row };
  }
  yield* removed.slice(next);
}

/** Stretches that follow each other are one range: whose they were is nobody's concern. */
function addRange(ranges: LogRange[], { first, last }: Place): void {
  const before = ranges.at(-1);
  if (before !== undefined && before.lastLogIndex === BigInt(first - 1)) before.lastLogIndex = BigInt(last);
  else ranges.push(create(LogRangeSchema, { firstLogIndex: BigInt(first), lastLogIndex: BigInt(last) }));
}
