import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { type BodyTerms, readBody } from "./request_body.ts";
import { RequestMemory } from "./request_memory.ts";

/** An envelope as gRPC writes it; `declared` is the length that it claims. */
function envelope(payload: Uint8Array, { declared = payload.byteLength, flags = 0 } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(declared, 1);
  return Buffer.concat([head, payload]);
}

function bytes(length: number, fill = 7): Buffer {
  return Buffer.alloc(length, fill);
}

async function* pieces(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

/** Pieces that a test sends one by one. */
class Sender implements AsyncIterator<Uint8Array> {
  readonly #waiting: ((result: IteratorResult<Uint8Array>) => void)[] = [];
  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  send(value: Uint8Array): void {
    this.#waiting.shift()?.({ done: false, value });
  }
}

function terms(overrides: Partial<BodyTerms> = {}): BodyTerms & { readonly all: RequestMemory; end: AbortController } {
  const all = new RequestMemory(1000);
  const end = new AbortController();
  return {
    all,
    end,
    maxBytes: 100,
    enveloped: true,
    announcedBytes: undefined,
    decompress: undefined,
    check: () => {},
    streaming: true,
    messageTimeoutMs: 60_000,
    memory: all.share(),
    ended: end.signal,
    ...overrides,
  };
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const read: Buffer[] = [];
  for await (const piece of body) read.push(Buffer.from(piece));
  return read;
}

function fails(code: Code, reason: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, code);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, reason);
    return true;
  };
}

describe("a body of messages in envelopes", () => {
  it("comes through unchanged, cut only where messages end, however it arrives", async () => {
    const messages = [envelope(bytes(0)), envelope(bytes(100)), envelope(bytes(3)), envelope(bytes(64))];
    const ends = messages.map((_, index) => Buffer.concat(messages.slice(0, index + 1)).byteLength);
    const wire = Buffer.concat(messages);
    for (let size = 1; size <= wire.byteLength; size += 1) {
      const parts: Buffer[] = [];
      for (let at = 0; at < wire.byteLength; at += size) parts.push(wire.subarray(at, at + size));
      const read = await collect(readBody(pieces(...parts), terms()));
      assert.deepEqual(Buffer.concat(read), wire);
      let at = 0;
      for (const piece of read) {
        at += piece.byteLength;
        assert.ok(ends.includes(at), `pieces of ${size} bytes: cut at ${at}`);
      }
    }
  });

  it("is refused by a declared length before anything more arrives", async () => {
    const t = terms();
    const sender = new Sender();
    const first = readBody(sender, t).next();
    sender.send(envelope(bytes(0), { declared: 0xffffffff }));
    await assert.rejects(first, fails(Code.ResourceExhausted, "MESSAGE_TOO_LARGE"));
    assert.equal(t.all.usedBytes, 0);
  });

  it("is passed on as it is where it ends in the middle of a message", async () => {
    const wire = envelope(bytes(10), { declared: 11 });
    assert.deepEqual(Buffer.concat(await collect(readBody(pieces(wire), terms()))), wire);
  });

  it("pays for each message until the next is asked for", async () => {
    const t = terms();
    const body = readBody(pieces(envelope(bytes(60)), envelope(bytes(70))), t);
    await body.next();
    assert.equal(t.all.usedBytes, 60);
    await body.next();
    assert.equal(t.all.usedBytes, 70);
    await body.next();
    assert.equal(t.all.usedBytes, 0);
  });

  it("pays for a compressed message what it may become", async () => {
    const t = terms();
    await readBody(pieces(envelope(bytes(1), { flags: 1 })), t).next();
    assert.equal(t.all.usedBytes, 100);
  });

  it("is decompressed message by message, the others left as they are", async () => {
    const decompress = async (message: Uint8Array) => Buffer.concat([message, message]);
    const wire = Buffer.concat([
      envelope(bytes(2)),
      envelope(bytes(3), { flags: 1 }),
      envelope(bytes(1), { flags: 2 }),
    ]);
    const plain = Buffer.concat([envelope(bytes(2)), envelope(bytes(6)), envelope(bytes(1), { flags: 2 })]);
    assert.deepEqual(Buffer.concat(await collect(readBody(pieces(wire), terms({ decompress })))), plain);
  });

  it("is checked message by message, decompressed ones too, before it is passed on", async () => {
    const checked: number[] = [];
    const check = (message: Uint8Array) => {
      checked.push(message.byteLength);
      if (message.byteLength === 9) throw new Error("checked");
    };
    const decompress = async () => bytes(9);
    const wire = Buffer.concat([envelope(bytes(2)), envelope(bytes(3)), envelope(bytes(1), { flags: 1 })]);
    await assert.rejects(readBody(pieces(wire), terms({ check, decompress })).next(), /checked/);
    assert.deepEqual(checked, [2, 3, 9]);
  });

  it("waits for room when it is a stream, and goes on in the end", async () => {
    const t = terms();
    const [one, two] = [t.all.share(), t.all.share()];
    one.tryTake(500, "single");
    two.tryTake(250, "single");
    t.all.share().tryTake(125, "single");
    const first = readBody(pieces(envelope(bytes(80))), t).next();
    assert.equal(t.all.usedBytes, 875);
    one.give(500);
    assert.equal((await first).value?.byteLength, 85);
  });

  it("is refused for want of room when it is a single message", async () => {
    const t = terms({ streaming: false });
    for (const bytes of [500, 250, 125]) t.all.share().tryTake(bytes, "single");
    const reading = readBody(pieces(envelope(bytes(80))), t).next();
    await assert.rejects(reading, fails(Code.ResourceExhausted, "REQUEST_MEMORY_EXHAUSTED"));
  });

  it("keeps the room of a single message until the call has ended", async () => {
    const t = terms({ streaming: false });
    await collect(readBody(pieces(envelope(bytes(80))), t));
    assert.equal(t.all.usedBytes, 80);
    t.end.abort();
    assert.equal(t.all.usedBytes, 0);
  });

  it("gives everything back when a stream is given up in the middle of a message", async () => {
    const t = terms();
    const sender = new Sender();
    const reading = readBody(sender, t).next();
    sender.send(envelope(bytes(10), { declared: 90 }));
    t.end.abort();
    assert.equal((await reading).done, true);
    assert.equal(t.all.usedBytes, 0);
  });

  it("ends with the error for which the call ended, also while nothing arrives", async () => {
    const t = terms();
    const reading = readBody(new Sender(), t).next();
    const reason = new ConnectError("the operation timed out", Code.DeadlineExceeded);
    t.end.abort(reason);
    await assert.rejects(reading, reason);
  });

  it("ends when a message takes too long to arrive", async () => {
    const sender = new Sender();
    const reading = readBody(sender, terms({ messageTimeoutMs: 20 })).next();
    sender.send(envelope(bytes(10), { declared: 90 }));
    await assert.rejects(reading, fails(Code.DeadlineExceeded, "MESSAGE_TOO_SLOW"));
  });
});

describe("a body that is one message", () => {
  const single = { enveloped: false, streaming: false };

  it("is refused when it is announced, or turns out, to be too long", async () => {
    for (const body of [
      readBody(pieces(), terms({ ...single, announcedBytes: 101 })),
      readBody(pieces(bytes(60), bytes(41)), terms(single)),
    ]) {
      await assert.rejects(collect(body), fails(Code.ResourceExhausted, "MESSAGE_TOO_LARGE"));
    }
  });

  it("is paid for until the call has ended, a compressed one with what it may become", async () => {
    const t = terms(single);
    await collect(readBody(pieces(bytes(30), bytes(30)), t));
    assert.equal(t.all.usedBytes, 60);
    t.end.abort();
    assert.equal(t.all.usedBytes, 0);
    const zipped = terms({ ...single, decompress: async () => bytes(5) });
    assert.deepEqual(await collect(readBody(pieces(bytes(1)), zipped)), [bytes(5)]);
    assert.equal(zipped.all.usedBytes, 100);
  });

  it("is checked as a whole", async () => {
    const check = (message: Uint8Array) => assert.fail(`${message.byteLength} bytes`);
    await assert.rejects(collect(readBody(pieces(bytes(3), bytes(4)), terms({ ...single, check }))), /7 bytes/);
  });
});
