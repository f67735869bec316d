import { createReadStream } from "node:fs";
import { StartFailure } from "../failure.ts";
import { lookAtInputs } from "../record/inputs.ts";
import type { Terminal } from "../terminal.ts";

/** What is to be verified. */
export interface Evidence {
  readonly kind: "bundle" | "receipt";
  /** Undefined where nobody knows: pipes. */
  readonly bytes: number | undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** First line of a receipt (C2SP tlog-proof); what begins otherwise is taken for a bundle. */
const RECEIPT = Buffer.from("c2sp.org/tlog-proof@");
const CHUNK_BYTES = 256 * 1024;

/**
 * Opens a file, or standard input for `-`, and tells by its first bytes what it is.
 *
 * @throws UsageError where there is no such file; StartFailure where it cannot be read, also from the chunks.
 */
export async function lookAtEvidence(name: string, terminal: Terminal): Promise<Evidence> {
  const [input] = await lookAtInputs([name]);
  const chunks = read(name, terminal);
  const begin: Uint8Array[] = [];
  for (let length = 0; length < RECEIPT.length; length += begin.at(-1)?.length ?? 0) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    begin.push(value);
  }
  const isReceipt = Buffer.concat(begin).subarray(0, RECEIPT.length).equals(RECEIPT);
  return { kind: isReceipt ? "receipt" : "bundle", bytes: input?.bytes, chunks: after(begin, chunks) };
}

async function* after(begin: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* begin;
  yield* rest;
}

async function* read(name: string, { stdin, signal }: Terminal): AsyncGenerator<Uint8Array> {
  const source = name === "-" ? stdin : createReadStream(name, { highWaterMark: CHUNK_BYTES });
  try {
    for await (const chunk of source) {
      signal.throwIfAborted();
      yield chunk as Uint8Array;
    }
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new StartFailure(`${name} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}
