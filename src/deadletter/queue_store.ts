import { randomBytes, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { failpoint } from "../failpoint.ts";
import type { Fault } from "../fault.ts";
import type { Logger } from "../telemetry/logs.ts";
import { queueFull, valkeyUnavailable } from "../valkey/errors.ts";
import type { Script } from "../valkey/script.ts";
import type { Commands, Valkey } from "../valkey/valkey.ts";
import { bytesOf } from "./entry.ts";
import { GROUP, type StreamName } from "./keys.ts";
import {
  type Answer,
  depthOf,
  EMPTY,
  type EntryPlace,
  listOf,
  NO_MORE,
  type Pending,
  type QueueDepth,
  readPending,
  type StoredEntry,
  storedEntries,
  type Tries,
  textOrNone,
} from "./queue_answers.ts";
import { SCRIPT_KEYS, SCRIPTS } from "./scripts.ts";

export type { StreamName } from "./keys.ts";
export type { EntryPlace, QueueDepth, StoredEntry, Tries } from "./queue_answers.ts";

/** What the queue may hold; beyond it nothing is taken, and nothing is dropped. */
export interface QueueLimits {
  /** Entries of each stream. */
  readonly entries: number;
  /** Bytes of both streams together. */
  readonly bytes: number;
  /** Dead letters of each stream. */
  readonly deadLetters: number;
  /** Bytes of the dead letters of both streams together. */
  readonly deadLetterBytes: number;
}

/** An entry to be queued. */
export interface NewEntry {
  readonly stream: StreamName;
  readonly fields: Readonly<Record<string, string>>;
}

/** A dead letter to be kept. */
export interface Letter {
  readonly fields: Readonly<Record<string, string>>;
  /** The entry's own fields stand before these, byte for byte as they are. */
  readonly whole?: boolean;
}

export interface QueueStoreStatus {
  readonly depth: QueueDepth;
  readonly pending: Readonly<Record<StreamName, readonly Pending[]>>;
  /** Who drains now. */
  readonly leaseHolder: string | undefined;
  readonly sequence: number;
}

/** What a wiped Valkey held of this process. */
export interface Lost {
  readonly entries: number;
  readonly events: number;
}

export interface QueueStoreOptions {
  /** Made in the same turn: the store says what its sessions begin with. Its owner closes it. */
  readonly valkey: Valkey;
  readonly limits: QueueLimits;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** Valkey was wiped: what was in the queue is gone. */
  readonly onWiped?: (lost: Lost) => void;
}

/** The caller is not (or no longer) the one that drains: another may be doing it now, and nothing was changed. */
export class Fenced extends Error {
  override readonly name = "Fenced";
}

/** The part of this process that has entries in the queue. */
export interface Depositor {
  /** What of its own waits in the queue. */
  waiting(): Lost;
  /** All of it is gone. */
  wiped(): void;
}

/** Milliseconds between two looks at how much the queue holds, which also find a wiped or silent server while nothing is queued. */
const LOOK_MS = 1000;

/**
 * The queue as it stands in Valkey: one script for each act, each done whole or not at all.
 *
 * Every method throws Fault `unavailable` (VALKEY_UNAVAILABLE) when Valkey is away, does not answer in time, or was wiped;
 * what became of the act is then unknown. Those that take an `owner` throw Fenced when it does not hold the lease.
 */
export class QueueStore {
  readonly limits: QueueLimits;
  /** This process among the consumers of the group. */
  readonly consumer = `${hostname()}-${process.pid}-${randomBytes(4).toString("hex")}`;
  readonly #options: QueueStoreOptions;
  readonly #timer: NodeJS.Timeout;
  #depositor: Depositor | undefined;
  #epoch: string | undefined;
  /** The highest number of the sequence that was seen here. */
  #seen = 0;
  #depth: QueueDepth = { events: EMPTY, notifications: EMPTY };

  constructor(options: QueueStoreOptions) {
    this.#options = options;
    this.limits = options.limits;
    options.valkey.prepare((redis) => this.#begin(redis));
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  /** Names the history of the queue: another one after Valkey was wiped. Undefined until it was reached first. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** Whether it takes entries now and keeps them. */
  get takes(): boolean {
    return this.#options.valkey.state === "ready";
  }

  /** Why it does not, for people. */
  get reason(): string | undefined {
    return this.#options.valkey.reason;
  }

  onTakes(listener: (takes: boolean) => void): void {
    this.#options.valkey.onState(() => listener(this.takes));
  }

  /** Says who has entries of this process in the queue, so that a wipe can tell what is lost. */
  setDepositor(depositor: Depositor): void {
    this.#depositor = depositor;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * Queues entries in this order, all or none, and resolves with their sequence when they are on disk.
   *
   * @throws Fault `exhausted` (QUEUE_FULL): nothing was queued. `unavailable`: it is not known whether they were.
   */
  async add(entries: readonly NewEntry[]): Promise<number[]> {
    const { entries: mostEntries, bytes: mostBytes } = this.limits;
    const args = entries.flatMap(({ stream, fields }) => [stream, bytesOf(fields), ...listOf(fields)]);
    failpoint("queue.add");
    const answer = await this.#options.valkey.runSynced(async (redis) => {
      const added = await this.#send(redis, SCRIPTS.add, [mostEntries, mostBytes, entries.length, ...args]);
      failpoint("queue.added");
      return added;
    });
    failpoint("queue.synced");
    const [word, first] = this.#checked(answer);
    if (word === "FULL") throw this.#full(first === "bytes");
    const sequence = first as number;
    this.#seen = Math.max(this.#seen, sequence + entries.length - 1);
    return entries.map((_, index) => sequence + index);
  }

  /** Whether each of these is still in the queue. */
  async present(entries: readonly EntryPlace[]): Promise<boolean[]> {
    if (entries.length === 0) return [];
    const answer = await this.#run(
      SCRIPTS.present,
      entries.map(({ sequence }) => sequence),
    );
    return answer.slice(1).map((one) => one === 1);
  }

  /** Takes the lease, or takes it for longer. False: another holds it. */
  async takeLease(owner: string, ttlMs: number): Promise<boolean> {
    return (await this.#run(SCRIPTS.lease, [owner, "take", ttlMs]))[1] === 1;
  }

  /** False: it is lost, and another may hold it. */
  async renewLease(owner: string, ttlMs: number): Promise<boolean> {
    return (await this.#run(SCRIPTS.lease, [owner, "renew", ttlMs]))[1] === 1;
  }

  async releaseLease(owner: string): Promise<void> {
    await this.#run(SCRIPTS.lease, [owner, "release", 0]);
  }

  async leaseHolder(): Promise<string | undefined> {
    return textOrNone((await this.#run(SCRIPTS.depth, []))[2]);
  }

  /** Takes over entries after `after` that were read and not settled, by whichever consumer; lowest first. */
  async claim(
    owner: string,
    stream: StreamName,
    after: number,
    count: number,
  ): Promise<{ entries: StoredEntry[]; more: boolean }> {
    for (let next = `${after + 1}-0`; ; ) {
      const answer = await this.#run(SCRIPTS.claim, [owner, GROUP, this.consumer, stream, next, count]);
      next = answer[1] as string;
      const entries = storedEntries(stream, answer[2], answer[3]);
      // What was looked at may have been pending and gone.
      if (entries.length > 0 || next === NO_MORE) return { entries, more: next !== NO_MORE };
    }
  }

  /**
   * Reads entries that nobody has read; lowest first. `seen`: the last number of the sequence at that moment, so that an
   * entry up to it that was not given is in the other stream or was read before.
   */
  async read(owner: string, stream: StreamName, count: number): Promise<{ entries: StoredEntry[]; seen: number }> {
    const answer = await this.#run(SCRIPTS.read, [owner, GROUP, this.consumer, stream, count]);
    return { entries: storedEntries(stream, answer[2], answer[3]), seen: answer[1] as number };
  }

  /** The entry as it stands in the queue now; undefined when it is gone. */
  async reread({ stream, sequence }: EntryPlace): Promise<StoredEntry | undefined> {
    const answer = await this.#run(SCRIPTS.reread, [stream, sequence]);
    return storedEntries(stream, answer[1], answer[2])[0];
  }

  /** Removes entries whose events are stored. Those that are gone already are no fault. */
  async settle(owner: string, entries: readonly EntryPlace[]): Promise<void> {
    const places = entries.flatMap(({ stream, sequence }) => [stream, sequence]);
    await this.#run(SCRIPTS.settle, [owner, GROUP, ...places]);
  }

  /** Notes beside an entry how it failed. */
  async noteTries(owner: string, { sequence }: EntryPlace, tries: Tries): Promise<void> {
    const text = JSON.stringify({ tries: tries.tries, first_failed: tries.firstFailed, last_error: tries.lastError });
    await this.#run(SCRIPTS.noteTries, [owner, sequence, text]);
  }

  /**
   * Removes an entry and keeps these dead letters of it: all or nothing, on disk when it resolves. `full`: there is no room
   * for the letters, and nothing was changed. An entry that is gone already leaves no letters.
   */
  async bury(owner: string, { stream, sequence }: EntryPlace, letters: readonly Letter[]): Promise<"buried" | "full"> {
    const { deadLetters, deadLetterBytes } = this.limits;
    const bodies = letters.flatMap(({ fields, whole }) => [whole ? "whole" : "own", ...listOf(fields)]);
    const args = [owner, GROUP, stream, sequence, deadLetters, deadLetterBytes, letters.length, ...bodies];
    const answer = await this.#options.valkey.runSynced((redis) => this.#send(redis, SCRIPTS.bury, args));
    return this.#checked(answer)[0] === "FULL" ? "full" : "buried";
  }

  /** How much there was when it was last looked, a second ago or so. */
  depth(): QueueDepth {
    return this.#depth;
  }

  async status(): Promise<QueueStoreStatus> {
    const answer = await this.#run(SCRIPTS.depth, []);
    this.#depth = depthOf(answer);
    const [events, notifications] = await this.#options.valkey.run((redis) =>
      Promise.all([readPending(redis, "events"), readPending(redis, "notifications")]),
    );
    return {
      depth: this.#depth,
      pending: { events, notifications },
      leaseHolder: textOrNone(answer[2]),
      sequence: answer[1] as number,
    };
  }

  async #run(script: Script, args: readonly (string | number)[]): Promise<Answer> {
    return this.#checked(await this.#options.valkey.run((redis) => this.#send(redis, script, args)));
  }

  #send(redis: Commands, script: Script, args: readonly (string | number)[]): Promise<Answer> {
    return script.run(redis, SCRIPT_KEYS, [this.#epoch ?? "", ...args]) as Promise<Answer>;
  }

  /** Turns what every script may answer into what is thrown for it. */
  #checked(answer: Answer): Answer {
    switch (answer[0]) {
      case "EPOCH":
        return this.#startOver("the queue was wiped");
      case "NOGROUP":
        return this.#startOver("the queue's consumer group is gone");
      case "FENCED":
        throw new Fenced("the lease is not held");
      default:
        return answer;
    }
  }

  /** A new session makes what is missing and tells of it. */
  #startOver(reason: string): never {
    this.#options.valkey.restart(reason);
    throw valkeyUnavailable(reason);
  }

  #full(bytes: boolean): Fault {
    const { entries, bytes: mostBytes } = this.limits;
    return queueFull(
      bytes ? `the queue is full: it holds ${mostBytes} bytes` : `the queue is full: it holds ${entries} entries`,
    );
  }

  /** What a session begins with: the epoch is looked at, and what is missing is made. */
  async #begin(redis: Commands): Promise<void> {
    const args = [this.#epoch ?? "", GROUP, randomUUID(), this.#seen];
    const answer = (await SCRIPTS.open.run(redis, SCRIPT_KEYS, args)) as Answer;
    const [, epoch, isNew, groupsMade, sequence] = answer as [string, string, number, number, number];
    const known = this.#epoch;
    this.#epoch = epoch;
    this.#seen = Math.max(sequence, known === epoch ? this.#seen : 0);
    if (known !== undefined && known !== epoch) this.#tellWiped();
    else if (isNew === 0 && groupsMade > 0) {
      this.#options.log.error(
        { group: GROUP },
        "THE QUEUE'S CONSUMER GROUP WAS GONE; it was made again, and all that waits is read anew",
      );
    }
    this.#depth = depthOf((await SCRIPTS.depth.run(redis, SCRIPT_KEYS, [epoch])) as Answer);
  }

  #tellWiped(): void {
    const lost = this.#depositor?.waiting() ?? { entries: 0, events: 0 };
    this.#options.log.error(
      { entries: lost.entries, events: lost.events },
      `VALKEY WAS WIPED: ${lost.events} events in ${lost.entries} entries that this process had answered QUEUED were not seen ` +
        "stored, and are lost unless their senders send them again",
    );
    this.#depositor?.wiped();
    this.#options.onWiped?.(lost);
  }

  async #look(): Promise<void> {
    if (!this.takes) return;
    try {
      this.#depth = depthOf(await this.#run(SCRIPTS.depth, []));
    } catch {
      // The state of the connection says it, and has been told.
    }
  }
}
