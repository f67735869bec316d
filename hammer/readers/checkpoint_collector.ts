import { setTimeout as wait } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import {
  GetCheckpointRequestSchema,
  GetCheckpointResponseSchema,
  IntegrityService,
} from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import type { LineFile } from "./line_file.ts";
import type { CheckpointLine } from "./options.ts";

/** Milliseconds between two requests, and until one is given up. */
const PAUSE_MS = 150;
const ANSWER_MS = 2_000;
const PATH = `/${IntegrityService.typeName}/GetCheckpoint`;
const asIs = (bytes: Buffer) => bytes;
const REQUEST = Buffer.from(toBinary(GetCheckpointRequestSchema, create(GetCheckpointRequestSchema)));

interface Source {
  readonly name: string;
  /** The checkpoint that it has published. Rejects when it has none, or cannot be asked. */
  ask(): Promise<string>;
  close(): void;
}

/** Asks every service for its checkpoint, over HTTP and by GetCheckpoint, one request after the other, and notes what it gets. */
export class CheckpointCollector {
  readonly #sources: readonly Source[];
  readonly #file: LineFile<CheckpointLine>;
  readonly #ended: Promise<void>;
  #ending = false;
  #requests = 0;
  #last = "";
  collected = 0;

  constructor(addresses: readonly string[], file: LineFile<CheckpointLine>) {
    this.#sources = addresses.flatMap((address) => [httpSource(address), grpcSource(address)]);
    this.#file = file;
    this.#ended = this.#collect();
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#ended;
    for (const source of this.#sources) source.close();
  }

  async #collect(): Promise<void> {
    while (!this.#ending) {
      const source = this.#sources[this.#requests++ % this.#sources.length] as Source;
      const note = await source.ask().catch(() => undefined);
      if (note !== undefined) this.#note(source, note);
      await wait(PAUSE_MS);
    }
  }

  #note({ name }: Source, note: string): void {
    this.collected++;
    if (note === this.#last) return;
    this.#last = note;
    this.#file.append({ from: name, request: this.#requests, note });
  }
}

function httpSource(address: string): Source {
  return {
    name: `http://${address}/checkpoint`,
    async ask() {
      const answer = await fetch(`http://${address}/checkpoint`, { signal: AbortSignal.timeout(ANSWER_MS) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
      return text;
    },
    close() {},
  };
}

function grpcSource(address: string): Source {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_reconnect_backoff_ms": 1000,
  });
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      const deadline = Date.now() + ANSWER_MS;
      client.makeUnaryRequest(PATH, asIs, asIs, REQUEST, new Metadata(), { deadline }, (error, answer) =>
        answer === undefined ? reject(error) : resolve(fromBinary(GetCheckpointResponseSchema, answer).checkpoint),
      );
    });
  return { name: `GetCheckpoint of ${address}`, ask, close: () => client.close() };
}
