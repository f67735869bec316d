import type { Durability } from "./durability.ts";
import type { Commands, Link } from "./link.ts";

/** Connections that were opened together and end together: where one is lost, nothing is known of the others. */
export class Session {
  readonly shared: Commands;
  readonly durability: Durability;
  /** Resolves with why when the session is over. */
  readonly ended: Promise<string>;
  readonly #links: readonly Link[];
  readonly #free: Commands[];
  readonly #waiting: { resolve: (redis: Commands) => void; reject: (error: Error) => void }[] = [];
  #over = false;
  #resolveEnded: (reason: string) => void = () => {};

  constructor(shared: Link, lanes: readonly Link[], durability: Durability) {
    this.shared = shared.redis;
    this.durability = durability;
    this.#links = [shared, ...lanes];
    this.#free = lanes.map((lane) => lane.redis);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    for (const link of this.#links) void link.ended.then((reason) => this.end(reason));
  }

  get over(): boolean {
    return this.#over;
  }

  /** Runs on a connection that nobody else uses meanwhile; waits for one. */
  async withLane<T>(use: (redis: Commands) => Promise<T>): Promise<T> {
    const lane = this.#free.pop() ?? (await this.#nextFree());
    try {
      return await use(lane);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(lane);
      else next.resolve(lane);
    }
  }

  #nextFree(): Promise<Commands> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    for (const link of this.#links) link.close();
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(reason));
    this.#resolveEnded(reason);
  }
}
