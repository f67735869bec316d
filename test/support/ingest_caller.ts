import type { AuditEvent } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { IngestEventsResponse } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { AuditClient } from "./audit_service.ts";

interface Batch {
  readonly batchNumber: bigint;
  readonly events: AuditEvent[];
  readonly allResults: boolean;
}

/** The client's end of one IngestEvents stream. */
export class IngestCaller {
  readonly #outgoing: Batch[] = [];
  readonly #answers: AsyncIterator<IngestEventsResponse>;
  #ended = false;
  #wake = () => {};

  constructor(client: AuditClient, options: { readonly signal?: AbortSignal } = {}) {
    this.#answers = client.ingestEvents(this.#requests(), options)[Symbol.asyncIterator]();
  }

  async *#requests(): AsyncGenerator<Batch> {
    for (;;) {
      const batch = this.#outgoing.shift();
      if (batch !== undefined) yield batch;
      else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** Sends a batch without waiting for its answer. */
  push(batchNumber: bigint, events: AuditEvent[], allResults = false): void {
    this.#outgoing.push({ batchNumber, events, allResults });
    this.#wake();
  }

  /** The next answer; an error when the stream has ended. */
  async next(): Promise<IngestEventsResponse> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error("the stream has ended");
    return value;
  }

  /** Sends a batch and gives the next answer, which is its own when no other is under way. */
  send(batchNumber: bigint, events: AuditEvent[], allResults = false): Promise<IngestEventsResponse> {
    this.push(batchNumber, events, allResults);
    return this.next();
  }

  /** Ends the sending half and gives the answers that are left. */
  async end(): Promise<IngestEventsResponse[]> {
    this.#ended = true;
    this.#wake();
    const left: IngestEventsResponse[] = [];
    for (let answer = await this.#answers.next(); !answer.done; answer = await this.#answers.next()) {
      left.push(answer.value);
    }
    return left;
  }
}
