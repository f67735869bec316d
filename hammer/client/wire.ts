import { type MadeEvent, payloadText } from "./made_event.ts";

const PATH = "/kubernaut.audit.v1.AuditService";

/** Wire types of protobuf: a varint, and bytes with their length before them. */
const NUMBER = 0;
const TEXT = 2;

function tag(field: number, type: typeof NUMBER | typeof TEXT): number {
  return (field << 3) | type;
}

/** A method as a batch is sent by it: its path, and the tags of its request's fields. */
export interface Method {
  readonly path: string;
  readonly events: number;
  readonly requireRecorded: number;
}

export const INGEST_EVENTS: Method = {
  path: `${PATH}/IngestEvents`,
  events: tag(2, TEXT),
  requireRecorded: tag(3, NUMBER),
};
export const RECORD_EVENTS: Method = {
  path: `${PATH}/RecordEvents`,
  events: tag(1, TEXT),
  requireRecorded: tag(2, NUMBER),
};

export const GET_EVENT = `${PATH}/GetEvent`;

const BATCH_NUMBER = tag(1, NUMBER);
const SUCCESS = 1;

/** Bytes that are written one after the other; grows as needed. */
class Bytes {
  #buffer: Buffer;
  #end = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafeSlow(size);
  }

  get length(): number {
    return this.#end;
  }

  clear(): void {
    this.#end = 0;
  }

  view(): Buffer {
    return this.#buffer.subarray(0, this.#end);
  }

  varint(value: number): void {
    this.#reserve(10);
    let left = value;
    while (left > 127) {
      this.#buffer[this.#end++] = (left % 128) | 128;
      left = Math.floor(left / 128);
    }
    this.#buffer[this.#end++] = left;
  }

  /** A field of characters that are a byte each. */
  ascii(field: number, text: string): void {
    this.varint(field);
    this.varint(text.length);
    this.#reserve(text.length);
    this.#end += this.#buffer.write(text, this.#end, "latin1");
  }

  text(field: number, text: string): void {
    const size = Buffer.byteLength(text);
    this.varint(field);
    this.varint(size);
    this.#reserve(size);
    this.#end += this.#buffer.write(text, this.#end, "utf8");
  }

  message(field: number, bytes: Bytes): void {
    this.varint(field);
    this.varint(bytes.length);
    this.#reserve(bytes.length);
    this.#end += bytes.view().copy(this.#buffer, this.#end);
  }

  #reserve(size: number): void {
    if (this.#end + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#end + size));
    this.view().copy(larger);
    this.#buffer = larger;
  }
}

const scratch = new Bytes(128 * 1024);
const time = new Bytes(32);

/** The events of one request, written by hand: the clients share their processors with what they test. */
export class RequestWriter {
  readonly #method: Method;
  readonly #events = new Bytes(256 * 1024);

  constructor(method: Method) {
    this.#method = method;
  }

  get bytes(): number {
    return this.#events.length;
  }

  add(event: MadeEvent): void {
    time.clear();
    time.varint(tag(1, NUMBER));
    time.varint(Math.floor(event.micros / 1e6));
    time.varint(tag(2, NUMBER));
    time.varint((event.micros % 1e6) * 1000);
    scratch.clear();
    scratch.ascii(tag(1, TEXT), event.id);
    scratch.message(tag(3, TEXT), time);
    scratch.ascii(tag(4, TEXT), event.kind.type);
    scratch.varint(tag(7, NUMBER));
    scratch.varint(SUCCESS);
    scratch.ascii(tag(12, TEXT), event.correlationId);
    if (event.severity !== "") scratch.ascii(tag(17, TEXT), event.severity);
    if (event.durationMs !== undefined) {
      scratch.varint(tag(18, NUMBER));
      scratch.varint(event.durationMs);
    }
    if (event.errorMessage !== "") scratch.text(tag(20, TEXT), event.errorMessage);
    scratch.text(tag(24, TEXT), payloadText(event));
    this.#events.message(this.#method.events, scratch);
  }

  /** The bytes of the events added since the last time, as `requestBytes` takes them. */
  take(): Buffer {
    const taken = Buffer.from(this.#events.view());
    this.#events.clear();
    return taken;
  }
}

/** A request of GetEvent. */
export function readRequest(id: string): Buffer {
  scratch.clear();
  scratch.ascii(tag(1, TEXT), id);
  return Buffer.from(scratch.view());
}

/** A request of a method with these events. `number` is the batch's, where the method has such. */
export function requestBytes(method: Method, events: Buffer, number: number, requireRecorded: boolean): Buffer {
  scratch.clear();
  if (method === INGEST_EVENTS) {
    scratch.varint(BATCH_NUMBER);
    scratch.varint(number);
  }
  if (requireRecorded) {
    scratch.varint(method.requireRecorded);
    scratch.varint(1);
  }
  return Buffer.concat([scratch.view(), events]);
}
