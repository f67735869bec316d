import { hash } from "node:crypto";
import type { Commands } from "./link.ts";

/** A Lua script, sent whole once to each server and by its hash after that. */
export class Script {
  readonly #text: string;
  readonly #sha: string;

  constructor(text: string) {
    this.#text = text;
    this.#sha = hash("sha1", text, "hex");
  }

  async run(redis: Commands, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      // Nothing was done: the server was started anew, or its scripts were flushed.
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return await redis.eval(this.#text, keys.length, ...keys, ...args);
    }
  }
}
