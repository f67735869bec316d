import { setTimeout as wait } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientReadableStream, credentials, Metadata } from "@grpc/grpc-js";
import { PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  AuditService,
  TailEventsRequestSchema,
  type TailEventsResponse,
  TailEventsResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { LineFile } from "./line_file.ts";
import type { TailLine } from "./options.ts";

/** Milliseconds without a message, of which one comes every ten seconds, after which a stream is given up. */
const SILENCE_MS = 12_000;
const AGAIN_MS = 100;
const PATH = `/${AuditService.typeName}/TailEvents`;
const asIs = (bytes: Buffer) => bytes;

/** Follows the log over one stream after the other, at whichever service answers, and notes every message. */
export class Tail {
  readonly #addresses: readonly string[];
  readonly #file: LineFile<TailLine>;
  readonly #breakEveryMs: number;
  readonly #ended: Promise<void>;
  #stream: ClientReadableStream<Buffer> | undefined;
  #ending = false;
  upTo = -1;
  streams = 0;

  constructor(addresses: readonly string[], file: LineFile<TailLine>, breakEveryMs: number) {
    this.#addresses = addresses;
    this.#file = file;
    this.#breakEveryMs = breakEveryMs;
    this.#ended = this.#follow();
  }

  async end(): Promise<void> {
    this.#ending = true;
    this.#stream?.cancel();
    await this.#ended;
  }

  async #follow(): Promise<void> {
    while (!this.#ending) {
      await this.#read(this.#addresses[this.streams++ % this.#addresses.length] as string);
      if (!this.#ending) await wait(AGAIN_MS);
    }
  }

  /** Resolves when the stream has ended, however. */
  async #read(address: string): Promise<void> {
    const client = new Client(address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": -1,
    });
    const stream = client.makeServerStreamRequest(PATH, asIs, asIs, this.#request(), new Metadata());
    this.#stream = stream;
    const giveUp = () => stream.cancel();
    let silence = setTimeout(giveUp, SILENCE_MS);
    const planned = this.#breakEveryMs > 0 ? setTimeout(giveUp, this.#breakEveryMs) : undefined;
    stream.on("data", (bytes: Buffer) => {
      clearTimeout(silence);
      silence = setTimeout(giveUp, SILENCE_MS);
      this.#note(fromBinary(TailEventsResponseSchema, bytes));
    });
    await new Promise<void>((resolve) => {
      stream.on("error", () => resolve());
      stream.on("end", () => resolve());
    });
    clearTimeout(silence);
    clearTimeout(planned);
    client.close();
  }

  #request(): Buffer {
    const request = create(TailEventsRequestSchema, {
      payloadForm: PayloadForm.JSON,
      ...(this.upTo < 0 ? {} : { afterLogIndex: BigInt(this.upTo) }),
    });
    return Buffer.from(toBinary(TailEventsRequestSchema, request));
  }

  #note({ events, removed, upToLogIndex }: TailEventsResponse): void {
    this.upTo = Number(upToLogIndex);
    if (events.length === 0 && removed.length === 0) return;
    this.#file.append({
      stream: this.streams,
      events: events.map(({ logIndex, eventId }) => [Number(logIndex), eventId] as const),
      removed: removed.map(({ firstLogIndex, lastLogIndex }) => [Number(firstLogIndex), Number(lastLogIndex)] as const),
      upTo: this.upTo,
    });
  }
}
