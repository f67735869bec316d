import type { Logger } from "../../telemetry/logs.ts";

/** Milliseconds of silence after a complaint: what cannot go on for one reason is tried again and again. */
const QUIET_MS = 60_000;

/** Complaints, each once a minute at most. */
export class Grumble {
  readonly #log: Pick<Logger, "warn" | "error">;
  readonly #quietUntil = new Map<string, number>();

  constructor(log: Pick<Logger, "warn" | "error">) {
    this.#log = log;
  }

  warn(about: string, details: object, message: string): void {
    if (this.#loud(about)) this.#log.warn(details, message);
  }

  error(about: string, details: object, message: string): void {
    if (this.#loud(about)) this.#log.error(details, message);
  }

  #loud(about: string): boolean {
    const now = performance.now();
    if (now < (this.#quietUntil.get(about) ?? 0)) return false;
    for (const [key, until] of this.#quietUntil) if (until <= now) this.#quietUntil.delete(key);
    this.#quietUntil.set(about, now + QUIET_MS);
    return true;
  }
}
