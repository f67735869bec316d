import { ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { Fault } from "../fault.ts";
import { faultError, messageTooLarge } from "./errors.ts";
import type { MemoryShare } from "./request_memory.ts";

/** What is put in front of each message by gRPC, gRPC-Web and streaming Connect: a byte of flags and four of length. */
const ENVELOPE_BYTES = 5;
const COMPRESSED = 1;

/** On what terms the body of a request is read. */
export interface BodyTerms {
  /** Longest message, in bytes, on the wire and decompressed. */
  readonly maxBytes: number;
  /** Whether messages come in envelopes; without them the body is one message (Connect's unary calls). */
  readonly enveloped: boolean;
  /** How long a body without envelopes is, in bytes, where its headers say so. */
  readonly announcedBytes: number | undefined;
  /** Decompresses a message; undefined where messages are not compressed, or in a way that the framework is to refuse. */
  readonly decompress: ((message: Uint8Array, maxBytes: number) => Promise<Uint8Array>) | undefined;
  /** Throws for a message that must not be decoded. */
  readonly check: (message: Uint8Array) => void;
  /** Whether the client may send many messages. Then it is slowed down when memory is short; a single message is refused. */
  readonly streaming: boolean;
  /** Longest time from the first byte of a message to its last, in milliseconds. */
  readonly messageTimeoutMs: number;
  /** Where the memory is taken from. It is given back when the next message is asked for or `ended` is aborted. */
  readonly memory: MemoryShare;
  /** Aborted when the call ends, for whatever reason; with a ConnectError if that is to reach who reads. */
  readonly ended: AbortSignal;
}

/**
 * Reads the body of a request message by message: what is yielded ends where a message ends, and is no longer compressed.
 *
 * It stands before the decoder of @connectrpc/connect, which reserves the length that an envelope declares, and looks at all
 * pieces of a message again for each piece that arrives. Here a length over the limit is refused before anything is
 * reserved, pieces are put together once, and every message is checked, and paid for out of the memory for requests.
 *
 * Throws RESOURCE_EXHAUSTED for a message that is too large (MESSAGE_TOO_LARGE) or finds no room, DEADLINE_EXCEEDED for one
 * that arrives too slowly, and what `check` and `ended` say.
 */
export async function* readBody(source: AsyncIterator<Uint8Array>, terms: BodyTerms): AsyncGenerator<Uint8Array> {
  const account = new Account(terms);
  const pieces = new Pieces(source, terms);
  terms.ended.addEventListener("abort", () => account.settle(), { once: true });
  try {
    yield* terms.enveloped ? envelopes(pieces, account, terms) : wholeBody(pieces, account, terms);
  } finally {
    pieces.stopClock();
  }
}

async function* wholeBody(pieces: Pieces, account: Account, terms: BodyTerms): AsyncGenerator<Uint8Array> {
  const { announcedBytes = 0, maxBytes, decompress, check } = terms;
  if (announcedBytes > maxBytes) throw messageTooLarge(maxBytes);
  if (decompress !== undefined) account.take(maxBytes);
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let piece = await pieces.next(); piece !== undefined; piece = await pieces.next()) {
    size += piece.byteLength;
    if (size > maxBytes) throw messageTooLarge(maxBytes);
    if (decompress === undefined) account.take(piece.byteLength);
    parts.push(piece);
    pieces.startClock();
  }
  const body = Buffer.concat(parts, size);
  const message = decompress === undefined ? body : await decompress(body, maxBytes);
  check(message);
  yield message;
}

async function* envelopes(pieces: Pieces, account: Account, terms: BodyTerms): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let wanted = ENVELOPE_BYTES;
  let paid = false;
  for (let piece = await pieces.next(); piece !== undefined; piece = await pieces.next()) {
    parts.push(piece);
    size += piece.byteLength;
    while (size >= wanted) {
      const data: Uint8Array = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts, size);
      if (!paid) {
        await account.pay(data);
        paid = true;
        wanted = ENVELOPE_BYTES + lengthOf(data);
      }
      if (size < wanted) {
        parts = [data];
        break;
      }
      const end = completeMessages(data, wanted, account);
      pieces.stopClock();
      yield await opened(data.subarray(0, end), terms);
      if (terms.streaming) account.settle();
      parts = end === data.byteLength ? [] : [data.subarray(end)];
      size = data.byteLength - end;
      wanted = ENVELOPE_BYTES;
      paid = false;
    }
    if (size > 0) pieces.startClock();
  }
  if (size > 0) yield parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts, size);
}

/** Complete messages, checked and decompressed. */
async function opened(messages: Uint8Array, { decompress, check, maxBytes }: BodyTerms): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let unchanged = 0;
  for (let at = 0; at < messages.byteLength; ) {
    const flags = messages[at] as number;
    const end = at + ENVELOPE_BYTES + lengthOf(messages.subarray(at));
    const content = messages.subarray(at + ENVELOPE_BYTES, end);
    if (flags === 0) check(content);
    if (flags === COMPRESSED && decompress !== undefined) {
      const message = await decompress(content, maxBytes);
      check(message);
      parts.push(messages.subarray(unchanged, at), encodeEnvelope(0, message));
      unchanged = end;
    }
    at = end;
  }
  return parts.length === 0 ? messages : Buffer.concat([...parts, messages.subarray(unchanged)]);
}

/** Where the last message ends that is complete in `data` and finds room at once; the first one ends at `end`. */
function completeMessages(data: Uint8Array, end: number, account: Account): number {
  for (;;) {
    const rest = data.subarray(end);
    if (rest.byteLength < ENVELOPE_BYTES) return end;
    const next = ENVELOPE_BYTES + lengthOf(rest);
    if (rest.byteLength < next || !account.tryPay(rest)) return end;
    end += next;
  }
}

function lengthOf(envelope: Uint8Array): number {
  return new DataView(envelope.buffer, envelope.byteOffset, envelope.byteLength).getUint32(1);
}

/** What the messages of one call have cost so far. */
class Account {
  readonly #terms: BodyTerms;
  #taken = 0;

  constructor(terms: BodyTerms) {
    this.#terms = terms;
  }

  /** Takes the price of the message that the envelope announces. */
  async pay(envelope: Uint8Array): Promise<void> {
    const { memory, streaming, ended } = this.#terms;
    const bytes = this.#price(envelope);
    if (!streaming) return this.take(bytes);
    await memory.take(bytes, ended);
    this.#taken += bytes;
  }

  tryPay(envelope: Uint8Array): boolean {
    const { memory, maxBytes, streaming } = this.#terms;
    if (lengthOf(envelope) > maxBytes) return false;
    const bytes = this.#price(envelope);
    if (!memory.tryTake(bytes, streaming ? "stream" : "single")) return false;
    this.#taken += bytes;
    return true;
  }

  /** Takes bytes, or refuses the call. */
  take(bytes: number): void {
    if (!this.#terms.memory.tryTake(bytes, "single")) throw noRoom();
    this.#taken += bytes;
  }

  settle(): void {
    this.#terms.memory.give(this.#taken);
    this.#taken = 0;
  }

  /** A compressed message may become as long as the limit allows. */
  #price(envelope: Uint8Array): number {
    const { maxBytes } = this.#terms;
    const length = lengthOf(envelope);
    if (length > maxBytes) throw messageTooLarge(maxBytes);
    return ((envelope[0] ?? 0) & COMPRESSED) === COMPRESSED ? maxBytes : length;
  }
}

function noRoom(): ConnectError {
  const message = "the service is handling as many bytes of requests as it may; try again";
  return faultError(new Fault("exhausted", message, { reason: "REQUEST_MEMORY_EXHAUSTED" }));
}

/** The pieces of a body as they arrive. Waiting for one ends with the call, and with the time that a message may take. */
class Pieces {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #messageTimeoutMs: number;
  #interrupt: ((reason: unknown) => void) | undefined;
  #clock: NodeJS.Timeout | undefined;
  readonly #ended: AbortSignal;

  constructor(source: AsyncIterator<Uint8Array>, { ended, messageTimeoutMs }: BodyTerms) {
    this.#source = source;
    this.#messageTimeoutMs = messageTimeoutMs;
    this.#ended = ended;
    const end = () => {
      this.stopClock();
      this.#interrupt?.(ended.reason);
    };
    ended.addEventListener("abort", end, { once: true });
  }

  /** The next piece; undefined at the end. The source is never asked to return, since that would take the answer's socket down. */
  next(): Promise<Uint8Array | undefined> {
    if (this.#ended.aborted) return interrupted(this.#ended.reason);
    return new Promise((resolve, reject) => {
      this.#interrupt = (reason) => resolve(interrupted(reason));
      this.#source.next().then(
        ({ done, value }) => {
          this.#interrupt = undefined;
          if (done) this.stopClock();
          resolve(done ? undefined : value);
        },
        (error: unknown) => {
          this.#interrupt = undefined;
          reject(error);
        },
      );
    });
  }

  /** Starts to measure the time of a message, unless that has begun. */
  startClock(): void {
    if (this.#ended.aborted) return;
    this.#clock ??= setTimeout(() => {
      this.stopClock();
      this.#interrupt?.(tooSlow(this.#messageTimeoutMs));
    }, this.#messageTimeoutMs);
  }

  stopClock(): void {
    clearTimeout(this.#clock);
    this.#clock = undefined;
  }
}

/** A call that ended by itself ends its body too; only an error is for the reader. */
async function interrupted(reason: unknown): Promise<undefined> {
  if (reason instanceof ConnectError) throw reason;
  return undefined;
}

function tooSlow(timeoutMs: number): ConnectError {
  const message = `a message took longer than ${timeoutMs} ms to arrive`;
  return faultError(new Fault("deadline", message, { reason: "MESSAGE_TOO_SLOW" }));
}
