import { DEAD_LETTER_KEYS, GROUP, META_KEY, QUEUE_KEYS, STREAMS, type StreamName } from "../../deadletter/keys.ts";
import { valkeyUnavailable } from "../../valkey/errors.ts";
import { type Link, openLink } from "../../valkey/link.ts";
import type { Commands } from "../../valkey/valkey.ts";

/** Entries of one page: each may hold 4 MiB and more. */
const PAGE_ENTRIES = 10;
const PAGE_NAMES = 500;

/** The queue's own account of itself, as it was at one moment. */
export interface Account {
  /** Undefined: nobody has opened a queue here. */
  readonly epoch: string | undefined;
  readonly sequence: number;
  /** Bytes of the entries, by stream. */
  readonly bytes: Readonly<Record<StreamName, number>>;
  /** Bytes of the dead letters, by stream. */
  readonly letterBytes: Readonly<Record<StreamName, number>>;
  /** Entries and dead letters of each stream, by key. */
  readonly lengths: Readonly<Record<string, number>>;
}

/** One entry of a stream, or one dead letter. */
export interface RawEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Of all names and values. */
  readonly bytes: number;
}

/**
 * Reads what the queue consists of, and changes nothing. What a walk of many steps finds odd can be looked at again in one
 * moment: a queue in use is never the same for two steps.
 *
 * Everything throws Fault `unavailable` when Valkey cannot be reached or refuses.
 */
export class QueueReader {
  readonly #link: Link;
  readonly #signal: AbortSignal;

  private constructor(link: Link, signal: AbortSignal) {
    this.#link = link;
    this.#signal = signal;
  }

  static async open(url: string, signal: AbortSignal): Promise<QueueReader> {
    return new QueueReader(await openLink(url, "datastorage-fsck", signal).catch(refuse), signal);
  }

  close(): void {
    this.#link.close();
  }

  async account(): Promise<Account> {
    const keys = [...Object.values(QUEUE_KEYS), ...Object.values(DEAD_LETTER_KEYS)];
    const lengthsOf = keys.map((key) => ["XLEN", key]);
    const [meta, epoch, sequence, ...lengths] = await this.#atOnce(
      ["HGETALL", META_KEY],
      ["HGET", META_KEY, "epoch"],
      ["HGET", META_KEY, "sequence"],
      ...lengthsOf,
    );
    const facts = new Map(pairs(meta as string[]));
    const byStream = (name: string) =>
      Object.fromEntries(STREAMS.map((stream) => [stream, Number(facts.get(`${name}:${stream}`) ?? 0)]));
    return {
      epoch: (epoch as string | null) ?? undefined,
      sequence: Number(sequence ?? 0),
      bytes: byStream("bytes") as Account["bytes"],
      letterBytes: byStream("dead_bytes") as Account["letterBytes"],
      lengths: Object.fromEntries(keys.map((key, index) => [key, lengths[index] as number])),
    };
  }

  /** The counter of the sequence now; it never goes back. */
  async sequence(): Promise<number> {
    return Number((await this.#ask((redis) => redis.hget(META_KEY, "sequence"))) ?? 0);
  }

  /** Everything in a stream, page by page. */
  async *entries(key: string): AsyncGenerator<RawEntry[]> {
    for (let start = "-"; ; ) {
      const page = await this.#ask((redis) => redis.xrangeBuffer(key, start, "+", "COUNT", PAGE_ENTRIES));
      if (page.length > 0) yield page.map(([id, list]) => toEntry(String(id), list));
      if (page.length < PAGE_ENTRIES) return;
      start = `(${page.at(-1)?.[0]}`;
    }
  }

  /** Values of a hash; null where there is none. */
  async values(key: string, names: readonly string[]): Promise<(string | null)[]> {
    return this.#ask((redis) => redis.hmget(key, ...names));
  }

  /** Names in a hash, page by page. */
  async *names(key: string): AsyncGenerator<string[]> {
    let cursor = "0";
    do {
      const [next, list] = await this.#ask((redis) => redis.hscan(key, cursor, "COUNT", PAGE_NAMES));
      yield pairs(list).map(([name]) => name);
      cursor = next;
    } while (cursor !== "0");
  }

  /** Entries that some consumer has read and not settled, page by page. */
  async *pending(key: string): AsyncGenerator<{ id: string; consumer: string }[]> {
    for (let start = "-"; ; ) {
      const page = await this.#ask((redis) => redis.xpending(key, GROUP, start, "+", PAGE_NAMES));
      const entries = page as [id: string, consumer: string, idleMs: number, deliveries: number][];
      if (entries.length > 0) yield entries.map(([id, consumer]) => ({ id, consumer }));
      if (entries.length < PAGE_NAMES) return;
      start = `(${entries.at(-1)?.[0]}`;
    }
  }

  async hasGroup(key: string): Promise<boolean> {
    if ((await this.#ask((redis) => redis.exists(key))) === 0) return false;
    const groups = (await this.#ask((redis) => redis.call("XINFO", "GROUPS", key))) as unknown[][];
    return groups.some((facts) => facts[facts.indexOf("name") + 1] === GROUP);
  }

  /** Whether, in one moment, a hash names an entry that is in neither stream. */
  async namesNone(key: string, sequence: string): Promise<boolean> {
    const id = `${sequence}-0`;
    const ranges = /^\d+$/.test(sequence) ? Object.values(QUEUE_KEYS).map((queue) => ["XRANGE", queue, id, id]) : [];
    const [named, ...found] = await this.#atOnce(["HEXISTS", key, sequence], ...ranges);
    return named === 1 && found.every((range) => (range as unknown[]).length === 0);
  }

  /** Whether, in one moment, a consumer holds an entry that is not in its stream. */
  async holdsNone(key: string, id: string): Promise<boolean> {
    const [held, found] = await this.#atOnce(["XPENDING", key, GROUP, id, id, "1"], ["XRANGE", key, id, id]);
    return (held as unknown[]).length > 0 && (found as unknown[]).length === 0;
  }

  /** Whether an entry is in its stream, and what a hash says of it, in one moment. */
  async valueBeside(key: string, id: string, hash: string): Promise<{ there: boolean; value: string | null }> {
    const [found, value] = await this.#atOnce(["XRANGE", key, id, id], ["HGET", hash, sequenceOf(id)]);
    return { there: (found as unknown[]).length > 0, value: value as string | null };
  }

  /** Runs commands in one MULTI. */
  async #atOnce(...commands: readonly string[][]): Promise<unknown[]> {
    const answers = await this.#ask((redis) => {
      const batch = redis.multi();
      for (const [name = "", ...args] of commands) batch.call(name, ...args);
      return batch.exec();
    });
    return (answers ?? []).map(([error, answer]) => (error ? refuse(error) : answer));
  }

  async #ask<T>(use: (redis: Commands) => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    return use(this.#link.redis).catch(refuse);
  }
}

/** The first part of an entry's id. */
export function sequenceOf(id: string): string {
  return id.split("-")[0] ?? "";
}

function refuse(error: unknown): never {
  const { code, message } = error as { code?: unknown; message?: unknown };
  throw valkeyUnavailable(`the queue in Valkey cannot be read: ${message || code}`, error);
}

function toEntry(id: string, list: readonly Buffer[]): RawEntry {
  const bytes = list.reduce((sum, text) => sum + text.length, 0);
  return { id, fields: Object.fromEntries(pairs(list.map(String))), bytes };
}

function pairs(list: readonly string[]): [string, string][] {
  return Array.from({ length: Math.floor(list.length / 2) }, (_, index) => [
    list[index * 2] as string,
    list[index * 2 + 1] as string,
  ]);
}
