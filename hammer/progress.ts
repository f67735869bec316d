import { clock } from "./breaking.ts";
import type { Clients } from "./client/clients.ts";
import { depth } from "./faults/valkey_faults.ts";
import type { Stage } from "./stage/stage.ts";
import type { Tally } from "./tally.ts";

const LOOK_MS = 1000;
/** Milliseconds between two lines where there is no terminal. */
const LINE_MS = 15_000;

/** Shows how a campaign goes: one line that changes on a terminal, a line now and then elsewhere. */
export class Progress {
  readonly #begun = performance.now();
  readonly #terminal = process.stderr.isTTY;
  #timer: NodeJS.Timeout | undefined;
  #lastLine = 0;
  #lastAcked = 0;

  /** A line that stays. */
  readonly tell = (line: string): void => {
    if (this.#terminal) process.stderr.write("\r\x1b[K");
    process.stderr.write(`${line}\n`);
  };

  watch(stage: Stage, clients: Clients, tally: Tally): void {
    const look = async () => {
      const queue = await depth(stage).catch(() => undefined);
      this.#show(clients, tally, queue);
    };
    this.#timer = setInterval(() => void look(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#terminal) process.stderr.write("\r\x1b[K");
  }

  #show(clients: Clients, tally: Tally, queue: number | undefined): void {
    const elapsed = performance.now() - this.#begun;
    if (!this.#terminal && elapsed - this.#lastLine < LINE_MS) return;
    const { acked, recorded, queued, duplicates, unknown } = clients.progress();
    const rate = Math.round((acked - this.#lastAcked) / ((elapsed - this.#lastLine) / 1000));
    this.#lastLine = elapsed;
    this.#lastAcked = acked;
    const parts = [
      `${figure(acked)} acknowledged (${figure(recorded)} recorded, ${figure(queued)} queued, ${figure(duplicates)} again)`,
      `${figure(rate)}/s`,
      `${figure(unknown)} unknown`,
      `queue ${queue === undefined ? "?" : figure(queue)}`,
      `${tally.total} faults`,
    ];
    const line = `${clock(elapsed)}  ${parts.join("  ")}`;
    if (this.#terminal) process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 120) - 1)}`);
    else process.stderr.write(`${line}\n`);
  }
}

export function figure(value: number): string {
  return value.toLocaleString("en-US");
}
