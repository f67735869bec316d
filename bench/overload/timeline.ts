import { setTimeout as wait } from "node:timers/promises";
import { residentBytes } from "./memory.ts";
import type { PushCounts } from "./push_stream.ts";
import type { Pushers } from "./pushers.ts";

/** How things stand at a moment. */
export interface Moment extends PushCounts {
  /** Seconds since the clients began. */
  readonly at: number;
  readonly rssBytes: number;
  /** Streams that flow control keeps from sending. */
  readonly heldBack: number;
}

const LOOK_MS = 100;

/** Looks ten times a second at what the clients were told and at what the service holds. */
export class Timeline {
  readonly moments: Moment[] = [];
  readonly #begun = performance.now();
  readonly #look: () => Moment;
  readonly #timer: NodeJS.Timeout;

  constructor(pushers: Pushers, servicePid: number) {
    this.#look = () => ({
      ...pushers.counts,
      at: (performance.now() - this.#begun) / 1000,
      rssBytes: residentBytes(servicePid).now,
      heldBack: pushers.heldBack,
    });
    this.#timer = setInterval(() => this.moments.push(this.#look()), LOOK_MS);
  }

  now(): Moment {
    return this.#look();
  }

  /** The first moment from `since` on at which something holds; undefined when `seconds` pass before. */
  async first(since: Moment, seconds: number, holds: (moment: Moment) => boolean): Promise<Moment | undefined> {
    for (;;) {
      const found = this.moments.find((moment) => moment.at >= since.at && holds(moment));
      if (found !== undefined || this.now().at > since.at + seconds) return found;
      await wait(LOOK_MS);
    }
  }

  /** Events RECORDED a second in the second before a moment. */
  rateAt(moment: Moment): number {
    const before = this.moments.findLast(({ at }) => at <= moment.at - 1);
    return before === undefined ? 0 : (moment.recorded - before.recorded) / (moment.at - before.at);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
