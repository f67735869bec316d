import { setTimeout as delay } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import { isTransient, retryDelayMs } from "../record/retry.ts";

export interface PatienceOptions {
  /** How long to go on asking while the service takes nothing, in milliseconds. */
  readonly retryForMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Told before each wait, and why. */
  readonly onRetry: (reason: ConnectError, waitMs: number) => Promise<void>;
}

/** Makes calls that may be made again, and makes them again while the service takes nothing for the moment. */
export class Patience {
  readonly #options: PatienceOptions;
  /** Until the service has said something, a connection that fails more likely has a wrong address than a short outage. */
  #heard = false;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** @throws what the call fails with for good, or still after `retryForMs`. */
  async call<Result>(ask: () => Promise<Result>): Promise<Result> {
    const { retryForMs, signal, onRetry } = this.#options;
    const since = Date.now();
    for (let tries = 0; ; tries++) {
      try {
        const result = await ask();
        this.#heard = true;
        return result;
      } catch (error) {
        if (!(error instanceof ConnectError) || signal.aborted) throw error;
        this.#heard ||= error.findDetails(ErrorInfoSchema).length > 0;
        const wait = retryDelayMs(error, tries);
        if (!this.#heard || !isTransient(error) || Date.now() + wait - since > retryForMs) throw error;
        await onRetry(error, wait);
        await delay(wait, undefined, { signal }).catch(() => {});
        if (signal.aborted) throw error;
      }
    }
  }
}
