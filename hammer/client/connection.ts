import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { GET_EVENT, INGEST_EVENTS, RECORD_EVENTS, readRequest } from "./wire.ts";

/** Requests are encoded already, and answers are decoded by whoever asked. */
const asIs = (bytes: Buffer) => bytes;

export type RawStream = ClientDuplexStream<Buffer, Buffer>;

/** One client of one address, until it is given up. */
export class Link {
  readonly address: string;
  readonly #client: Client;

  constructor(address: string) {
    this.address = address;
    // With a pool of its own: a new link is a new connection, also when the old one hangs.
    this.#client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  }

  ingest(): RawStream {
    return this.#client.makeBidiStreamRequest(INGEST_EVENTS.path, asIs, asIs, new Metadata());
  }

  /** Rejects with a ServiceError, or with another when the link is closed. */
  record(request: Buffer, timeoutMs: number): Promise<Buffer> {
    return this.#call(RECORD_EVENTS.path, request, timeoutMs);
  }

  /** Whether an event is found; undefined when the read failed. */
  async finds(id: string, timeoutMs: number): Promise<boolean | undefined> {
    try {
      await this.#call(GET_EVENT, readRequest(id), timeoutMs);
      return true;
    } catch (error) {
      return (error as Partial<ServiceError>).code === status.NOT_FOUND ? false : undefined;
    }
  }

  #call(path: string, request: Buffer, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + timeoutMs;
      const answered = (error: ServiceError | null, answer?: Buffer) =>
        answer === undefined ? reject(error) : resolve(answer);
      this.#client.makeUnaryRequest(path, asIs, asIs, request, new Metadata(), { deadline }, answered);
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** A writer's way to the service: one link at a time, over whichever address takes it. */
export class Connection {
  readonly #addresses: readonly string[];
  #next: number;
  #link: Link;

  /** `first`: which address is tried first. */
  constructor(addresses: readonly string[], first: number) {
    this.#addresses = addresses;
    this.#next = first;
    this.#link = this.#open();
  }

  get link(): Link {
    return this.#link;
  }

  /** Takes the next address, if `broken` is still the link that is used. */
  giveUp(broken: Link): void {
    if (broken !== this.#link) return;
    this.#link = this.#open();
    broken.close();
  }

  close(): void {
    this.#link.close();
  }

  #open(): Link {
    return new Link(this.#addresses[this.#next++ % this.#addresses.length] as string);
  }
}

/** The bytes of the google.rpc.Status that came with the end of a call. */
export function statusBytes({ metadata }: Pick<StatusObject, "metadata">): Buffer | undefined {
  const [bytes] = metadata.get("grpc-status-details-bin");
  return bytes instanceof Buffer ? bytes : undefined;
}
