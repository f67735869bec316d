import { EventEmitter, once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

/** One life of a server. */
export interface Life {
  /** Its process; undefined until it is known. */
  pid(): number | undefined;
  /** Resolves when it takes connections; stays open when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with how it ended. */
  readonly ended: Promise<string>;
  /** Makes sure that it ends. */
  stop(): Promise<void>;
}

/** Milliseconds between two tries to start a server that does not start. */
const START_AGAIN_MS = 100;
/** Milliseconds until a server that was asked to end is made to. */
const END_LIMIT_MS = 15_000;

/** A server that is started again whenever it ends, except while something holds it down. */
export class KeptServer {
  readonly name: string;
  readonly #launch: () => Promise<Life>;
  readonly #note: (text: string) => void;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #keeping: Promise<void>;
  #life: Life | undefined;
  #isReady = false;
  #holds = 0;
  #closing = false;
  /** How often it was started. */
  lives = 0;
  /** How its lives ended that nothing ended in order (exit code 0) or with SIGKILL. */
  readonly unasked: string[] = [];

  constructor(name: string, launch: () => Promise<Life>, note: (text: string) => void) {
    this.name = name;
    this.#launch = launch;
    this.#note = note;
    this.#keeping = this.#keep();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get pid(): number | undefined {
    return this.#life?.pid();
  }

  /** Resolves when it takes connections. @throws Error after `withinMs`. */
  async up(withinMs = 120_000): Promise<void> {
    await this.#until(() => this.#isReady, withinMs, "take connections");
  }

  /** Resolves when the life numbered `life` (see `lives`) has ended; false when it has not within the time. */
  async endOf(life: number, withinMs: number, signal?: AbortSignal): Promise<boolean> {
    const over = () => this.lives > life || (this.lives === life && this.#life === undefined);
    return this.#wait(over, withinMs, signal);
  }

  /** Sends a signal to its process, if there is one. */
  signal(signal: NodeJS.Signals): boolean {
    const pid = this.pid;
    if (pid === undefined) return false;
    try {
      return process.kill(pid, signal);
    } catch {
      return false;
    }
  }

  /** Ends it with a signal, waits until it is gone, and keeps it down until what is returned is called, which waits until it is up again. */
  async hold(signal: NodeJS.Signals): Promise<() => Promise<void>> {
    this.#holds++;
    await this.#end(signal);
    let held = true;
    return async () => {
      if (!held) return;
      held = false;
      this.#holds--;
      this.#changes.emit("change");
      if (this.#holds === 0) await this.up();
    };
  }

  /** Kills it and starts it no more, without waiting. */
  abandon(): void {
    this.#closing = true;
    this.signal("SIGCONT");
    this.signal("SIGKILL");
  }

  async close(signal: NodeJS.Signals): Promise<void> {
    this.#closing = true;
    this.#changes.emit("change");
    await this.#end(signal);
    await this.#keeping;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    // Which process it is may not be known in its first moments.
    for (let tries = 0; !this.signal(signal) && this.#life === life && tries < 100; tries++) await wait(20);
    if (await this.#wait(() => this.#life !== life, END_LIMIT_MS)) return;
    this.#note(`${this.name} did not end within ${END_LIMIT_MS} ms of ${signal}, killed`);
    this.signal("SIGCONT");
    this.signal("SIGKILL");
    await life.stop();
    await this.#until(() => this.#life !== life, END_LIMIT_MS, "end");
  }

  async #keep(): Promise<void> {
    while (!this.#closing) {
      if (this.#holds > 0) await once(this.#changes, "change");
      else await this.#live();
    }
  }

  async #live(): Promise<void> {
    let life: Life;
    try {
      life = await this.#launch();
    } catch (error) {
      this.#note(`${this.name} could not be started: ${error instanceof Error ? error.message : error}`);
      return wait(START_AGAIN_MS);
    }
    this.lives++;
    this.#life = life;
    void life.ready.then(() => {
      if (this.#life !== life) return;
      this.#isReady = true;
      this.#changes.emit("change");
    });
    // Whoever took hold of it while it was being launched saw nothing to end.
    if (this.#holds > 0 || this.#closing) void this.#end("SIGKILL");
    const begun = performance.now();
    const how = await life.ended;
    this.#note(`${this.name} ended (${how})`);
    if (how !== "exit code 0" && how !== "signal SIGKILL")
      this.unasked.push(`${how}, in its life number ${this.lives}`);
    const wasReady = this.#isReady;
    this.#isReady = false;
    this.#life = undefined;
    this.#changes.emit("change");
    if (!wasReady && performance.now() - begun < 1000) await wait(START_AGAIN_MS);
  }

  async #until(met: () => boolean, withinMs: number, what: string): Promise<void> {
    if (!(await this.#wait(met, withinMs))) throw new Error(`${this.name} did not ${what} within ${withinMs} ms`);
  }

  async #wait(met: () => boolean, withinMs: number, signal?: AbortSignal): Promise<boolean> {
    const limit = AbortSignal.any([AbortSignal.timeout(withinMs), ...(signal === undefined ? [] : [signal])]);
    while (!met()) {
      if (limit.aborted) return false;
      await once(this.#changes, "change", { signal: limit }).catch(() => {});
    }
    return true;
  }
}
