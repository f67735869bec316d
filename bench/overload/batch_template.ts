import { create, toBinary } from "@bufbuild/protobuf";
import { IngestEventsRequestSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { EventSource } from "../events.ts";
import { envelope } from "../grpc.ts";

/** A batch by what its ids are made of: whoever knows it knows the ids of all its events. */
export interface BatchName {
  /** Milliseconds since 1970, so that ids ascend as those of version 7 do. */
  readonly time: number;
  /** Number of the stream over all processes, 0 to 4095. */
  readonly stream: number;
  /** Number of the batch in its stream, from 1. */
  readonly number: number;
}

/** Batches of which the events of one correlation are spread over: some 90 events, as in the sample. */
const BATCHES_A_CORRELATION = 18;
/** Hexadecimal digits at the end of a generated correlation id. */
const OWN_DIGITS = 8;

/** One batch, encoded once; copies of it with other ids and correlations cost next to nothing. */
export class BatchTemplate {
  readonly #events: Buffer;
  readonly #ids: readonly number[];
  readonly #correlations: readonly number[];

  constructor(size: number) {
    const events = new EventSource().take(size);
    this.#events = Buffer.from(toBinary(IngestEventsRequestSchema, create(IngestEventsRequestSchema, { events })));
    this.#ids = events.map(({ eventId }) => this.#events.indexOf(eventId));
    const correlations = new Set(events.map(({ correlationId }) => correlationId));
    this.#correlations = [...correlations].flatMap((correlation) =>
      placesOf(correlation, this.#events).map((at) => at + correlation.length - OWN_DIGITS),
    );
  }

  /** A batch with this name, in its envelope. */
  copy({ time, stream, number }: BatchName): Buffer {
    const events = Buffer.from(this.#events);
    const [before, after] = idParts({ time, stream, number });
    for (const [index, at] of this.#ids.entries()) events.write(before + hex(index, 3) + after, at, "latin1");
    const own = hex(stream, 3) + hex(Math.floor(number / BATCHES_A_CORRELATION), OWN_DIGITS - 3);
    for (const at of this.#correlations) events.write(own, at, "latin1");
    const head = toBinary(
      IngestEventsRequestSchema,
      create(IngestEventsRequestSchema, { batchNumber: BigInt(number) }),
    );
    return envelope(Buffer.concat([head, events]));
  }
}

/** What stands before and after the number of an event within its batch (three hexadecimal digits) in its id. */
export function idParts({ time, stream, number }: BatchName): [string, string] {
  const digits = hex(time, 12);
  return [`${digits.slice(0, 8)}-${digits.slice(8)}-7${hex(stream, 3)}-8`, `-${hex(number, 12)}`];
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function placesOf(text: string, bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at);
  return places;
}
