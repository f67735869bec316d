/** Lets one loop wait for whatever may give it something to do. A ring while nobody waits is kept for the next wait. */
export class Bell {
  #rung = false;
  #answer: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#answer?.();
  }

  /** Resolves when it rings or has rung since the last wait, or after so many milliseconds; infinitely many are allowed. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung && ms > 0) {
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
        this.#answer = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#answer = undefined;
    this.#rung = false;
  }
}
