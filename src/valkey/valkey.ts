import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../fault.ts";
import type { Logger } from "../telemetry/logs.ts";
import { NotDurable, proveDurability, waitForFsync } from "./durability.ts";
import { classifyAnswer, queueFull, reasonOf, valkeyUnavailable } from "./errors.ts";
import { type Commands, openLink } from "./link.ts";
import { Session } from "./session.ts";

export type { Commands } from "./link.ts";

/**
 * - `connecting`: it has not been reached yet.
 * - `ready`: it takes commands, and what it takes outlives it.
 * - `away`: it cannot be reached, does not answer, or takes no writes now; it is tried again and again.
 * - `not_durable`: it answers, and what it takes may be lost with it; it is asked again from time to time.
 * - `closed`: by us.
 */
export type ValkeyState = "connecting" | "ready" | "away" | "not_durable" | "closed";

export interface ValkeyOptions {
  /** redis://, rediss:// or valkey://, with password and database number where there are any. */
  readonly url: string;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** Key to write when it is tried whether writes are durable. */
  readonly proofKey: string;
  /** Connections for writes that are waited for until they are on disk; default 4. */
  readonly lanes?: number;
  readonly onState?: (state: ValkeyState, reason: string | undefined) => void;
}

const DEFAULT_LANES = 4;
/** Milliseconds before the first and the longest wait for the next try to connect; each varied, so that processes do not come at once. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1000;

/** A Valkey that is reached whenever it can be. Nothing is sent twice, and nothing waits for longer than a few seconds. */
export class Valkey {
  readonly #options: ValkeyOptions;
  readonly #steps: ((redis: Commands) => Promise<void>)[] = [];
  readonly #listeners = new Set<(state: ValkeyState) => void>();
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #session: Session | undefined;
  #state: ValkeyState = "connecting";
  #reason: string | undefined = "it has not been reached yet";

  constructor(options: ValkeyOptions) {
    this.#options = options;
    setMaxListeners(0, this.#closing.signal); // one for each connection
    // In a turn of its own, so that whoever made it can say first what a new session begins with.
    this.#loop = new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#keepConnected());
  }

  get state(): ValkeyState {
    return this.#state;
  }

  /** Why it is not ready, for people: without host and password. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Has every new session begin with this, before it takes other commands; to be called in the turn that made this object. */
  prepare(step: (redis: Commands) => Promise<void>): void {
    this.#steps.push(step);
  }

  /** Tells of every change of the state. */
  onState(listener: (state: ValkeyState) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Runs commands on the connection that all share.
   *
   * @throws Fault `unavailable` (VALKEY_UNAVAILABLE) at once when it is not ready, or when the link is lost before the answer:
   * the fate of the commands is then unknown. `exhausted` (QUEUE_FULL) when the server has no memory for them.
   */
  async run<T>(use: (redis: Commands) => Promise<T>): Promise<T> {
    const session = this.#readySession();
    return this.#translate(session, () => use(session.shared));
  }

  /**
   * Runs commands on a connection of their own and resolves when all that they wrote is on disk.
   *
   * @throws as `run`; also `unavailable` when the fsync is not told in time. Durability is then proved anew.
   */
  async runSynced<T>(use: (redis: Commands) => Promise<T>): Promise<T> {
    const session = this.#readySession();
    return this.#translate(session, () =>
      session.withLane(async (redis) => {
        const result = await use(redis);
        if (session.durability === "waitaof" && !(await waitForFsync(redis))) {
          throw new Error("the server does not tell that the write is on disk");
        }
        return result;
      }),
    );
  }

  /** Ends this session and begins another, which is looked at anew. */
  restart(reason: string): void {
    this.#session?.end(reason);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#session?.end("it was closed");
    await this.#loop;
    this.#enter("closed", "it was closed");
  }

  #readySession(): Session {
    if (this.#session !== undefined && !this.#session.over) return this.#session;
    throw valkeyUnavailable(`the queue cannot be reached: ${this.#reason ?? "the connection was lost"}`);
  }

  async #translate<T>(session: Session, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Fault) throw error;
      // The driver attaches what was sent, and that is events.
      if (error instanceof Error) Reflect.deleteProperty(error, "command");
      const answer = classifyAnswer(error);
      if (answer === "full") throw queueFull("the queue's server has no memory left", error);
      if (answer === "defect") throw error;
      session.end(reasonOf(error));
      throw valkeyUnavailable("the queue did not answer; what became of the events is unknown", error);
    }
  }

  async #keepConnected(): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted; failures++) {
      try {
        const session = await this.#open();
        this.#session = session;
        if (this.#closing.signal.aborted) session.end("it was closed");
        else this.#enter("ready", undefined);
        const why = await session.ended;
        this.#session = undefined;
        failures = 0;
        if (!this.#closing.signal.aborted) this.#enter("away", why);
      } catch (error) {
        this.#session?.end(reasonOf(error));
        this.#session = undefined;
        if (!this.#closing.signal.aborted)
          this.#enter(error instanceof NotDurable ? "not_durable" : "away", reasonOf(error));
      }
      const wait = Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures, 10), LONGEST_WAIT_MS);
      await delay(wait * (0.5 + Math.random() / 2), undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }

  async #open(): Promise<Session> {
    const { url, lanes = DEFAULT_LANES, proofKey } = this.#options;
    const names = ["datastorage", ...Array.from({ length: lanes }, (_, lane) => `datastorage-lane-${lane + 1}`)];
    const opened = await Promise.allSettled(names.map((name) => openLink(url, name, this.#closing.signal)));
    const links = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    try {
      for (const one of opened) if (one.status === "rejected") throw one.reason;
      const [shared, ...others] = links;
      if (shared === undefined) throw new Error("no connection");
      const durability = await proveDurability(shared.redis, proofKey);
      for (const step of this.#steps) await step(shared.redis);
      return new Session(shared, others, durability);
    } catch (error) {
      for (const link of links) link.close();
      throw error;
    }
  }

  #enter(state: ValkeyState, reason: string | undefined): void {
    if (state === this.#state && reason === this.#reason) return;
    const changed = state !== this.#state;
    this.#state = state;
    this.#reason = reason;
    const { log, onState } = this.#options;
    if (state === "not_durable") {
      log.error({ reason }, `VALKEY IS NOT DURABLE, NOTHING IS QUEUED: ${reason}`);
    } else if (changed && state === "ready") log.info("Valkey is there, and keeps what it is given");
    else if (changed && state === "away")
      log.warn({ reason }, "Valkey is away; nothing can be queued until it is back");
    if (!changed) return;
    onState?.(state, reason);
    for (const listener of this.#listeners) listener(state);
  }
}
