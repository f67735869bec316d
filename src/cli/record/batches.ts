import type { AuditEvent } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";

/** Where an event stands in the input. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** An event on its way, with its place in the input and its size on the wire at most. */
export interface SourcedEvent extends Origin {
  readonly event: AuditEvent;
  readonly bytes: number;
}

/** Events that are sent in one message. */
export interface Batch {
  /** 1, 2, 3 … */
  readonly number: bigint;
  readonly events: readonly AuditEvent[];
  /** Places of the events, in their order. */
  readonly origins: readonly Origin[];
  readonly bytes: number;
}

export interface BatchLimits {
  readonly events: number;
  readonly bytes: number;
}

/** What a message costs besides its events, and each event besides its fields. */
const MESSAGE_BYTES = 64;
const EVENT_BYTES = 8;

/**
 * Gathers events into batches within the limits; an event over the limit of bytes goes alone. When the source lets one wait
 * for longer than `lingerMs`, as a pipe that grows slowly does, what is there goes at once.
 */
export async function* gatherBatches(
  groups: AsyncIterable<readonly SourcedEvent[]>,
  limits: BatchLimits,
  lingerMs: number,
): AsyncGenerator<Batch> {
  const gathering = new Gathering(limits);
  const source = groups[Symbol.asyncIterator]();
  try {
    for (let next = source.next(); ; next = source.next()) {
      if (!gathering.isEmpty && !(await settlesWithin(next, lingerMs))) yield gathering.take();
      const { done, value } = await next;
      if (done === true) break;
      for (const sourced of value) {
        if (!gathering.fits(sourced)) yield gathering.take();
        gathering.add(sourced);
      }
    }
    if (!gathering.isEmpty) yield gathering.take();
  } finally {
    await source.return?.();
  }
}

class Gathering {
  readonly #limits: BatchLimits;
  #number = 0n;
  #sourced: SourcedEvent[] = [];
  #bytes = MESSAGE_BYTES;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#sourced.length === 0;
  }

  fits({ bytes }: SourcedEvent): boolean {
    if (this.isEmpty) return true;
    return this.#sourced.length < this.#limits.events && this.#bytes + bytes + EVENT_BYTES <= this.#limits.bytes;
  }

  add(sourced: SourcedEvent): void {
    this.#sourced.push(sourced);
    this.#bytes += sourced.bytes + EVENT_BYTES;
  }

  take(): Batch {
    this.#number += 1n;
    const batch: Batch = {
      number: this.#number,
      events: this.#sourced.map(({ event }) => event),
      origins: this.#sourced.map(({ file, line }) => ({ file, line })),
      bytes: this.#bytes,
    };
    this.#sourced = [];
    this.#bytes = MESSAGE_BYTES;
    return batch;
  }
}

async function settlesWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
