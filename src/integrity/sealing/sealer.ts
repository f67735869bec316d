import type { LogState } from "../log/log_reader.ts";
import { TileStore } from "../log/tile_store.ts";
import { noteText, type Signer } from "../note/signed_note.ts";
import { cosignatureAge, cosignedS, type Identity, knowsKeys } from "./identity.ts";
import { KeptOutside } from "./kept_outside.ts";
import type { LogKeys } from "./log_keys.ts";
import { logSigners, usedKeys } from "./log_signers.ts";
import { Notices } from "./notices.ts";
import { cosignLate, type Published, publish, publishedOf, witnessesToAsk } from "./publication.ts";
import { Register } from "./register.ts";
import type { SealingOptions, SealingStatus } from "./sealing_options.ts";
import { StandbyCopy } from "./standby_copy.ts";
import { readOpened, tellContradiction, tellNewKeys, tellOtherOrigin } from "./standing.ts";
import type { SealingState } from "./statements.ts";
import { Witness } from "./witness.ts";

/** Least time between two checkpoints. */
const EVERY_MS = 1000;
/** Age at which the cosignature is renewed, so that it is never older than an hour. */
const RENEW_MS = 30 * 60_000;
/** How often the database is asked whether another origin was opened, or the tree taken back. */
const LOOK_AGAIN_MS = 3000;

/**
 * Signs the log's checkpoints, keeps them outside of the database, has them witnessed and publishes them.
 *
 * - It signs no tree but one that the database holds, and none that does not extend what was signed before.
 * - A checkpoint leaves the service only when it is written down in the database, and outside of it where that can be done.
 *   Where it is not known whether it was, nothing is published before the database was asked.
 */
export class Sealer {
  readonly #options: SealingOptions;
  readonly #kept: KeptOutside;
  readonly #tiles: TileStore;
  readonly #witnesses: readonly Witness[];
  readonly #notices: Notices;
  readonly #register: Register;
  readonly #standbyCopy: StandbyCopy | undefined;
  readonly #monotonicMs: () => number;
  readonly #closing = new AbortController();
  #status: SealingStatus;
  #identity: Identity | undefined;
  /** What the database said; absent where it must be asked before anything is signed. */
  #state: SealingState | undefined;
  #published: Published | undefined;
  #renewAt = 0;
  #lookAt = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #sealing: Promise<void> | undefined;

  constructor(options: SealingOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#status = options.keys === undefined ? "no_key" : "standby";
    this.#kept = new KeptOutside(options.dataDir, options.log, this.#monotonicMs);
    this.#tiles = new TileStore(options.database);
    this.#notices = new Notices(this.#monotonicMs);
    this.#register = new Register({ ...options, monotonicMs: this.#monotonicMs });
    const { keys } = options;
    const parts = { tiles: this.#tiles, log: options.log, monotonicMs: this.#monotonicMs };
    this.#standbyCopy = keys && new StandbyCopy({ ...this.#standingParts(keys), monotonicMs: this.#monotonicMs });
    this.#witnesses = (options.witnesses ?? []).map((witness) => new Witness(witness, parts));
  }

  /** For gauges, and for the sequencer: while it is `contradicted`, nothing may be indexed; call takeOver again every few seconds. */
  get status(): SealingStatus {
    return this.#status;
  }

  /** How many witnesses there are, and how many of them failed when they were asked last. For gauges. */
  get witnesses(): { readonly configured: number; readonly failing: number } {
    return { configured: this.#witnesses.length, failing: this.#witnesses.filter(({ failing }) => failing).length };
  }

  /** Whether the latest checkpoint is kept outside of the database. For gauges. */
  get isKept(): boolean {
    return this.#kept.isKept;
  }

  /**
   * Called by whoever got hold of the log, before anything is indexed: compares the tree with what was signed of it. False: it
   * is contradicted. Opens the first origin where there is none.
   *
   * @throws what the database throws: ask again later.
   */
  async takeOver(): Promise<boolean> {
    await this.#sealing;
    const { keys } = this.#options;
    if (keys !== undefined) return this.#look(keys);
    const text = "the log is indexed and not signed: neither DATASTORAGE_LOG_KEY nor DATASTORAGE_LOG_KEY_FILE is set";
    this.#notices.tell("no key", () => this.#options.log.warn({}, text));
    return true;
  }

  /**
   * Signs and publishes the tree where a second has passed since the last time and it has grown, or the cosignature is older
   * than 30 minutes. To be called after each advance and at each tick of the holder, with what is committed; calls during
   * one under way return at once. Never rejects. Look at `status` after it.
   */
  async seal(size: number, root: Buffer): Promise<void> {
    const { keys } = this.#options;
    if (keys === undefined || this.#sealing !== undefined || !this.#isDue(size)) return;
    this.#lastMs = this.#monotonicMs();
    this.#sealing = this.#seal(keys, size, root).catch((error: unknown) => this.#failed(error));
    await this.#sealing;
    this.#sealing = undefined;
  }

  /**
   * Called every second or so by a process that does not hold the log: keeps its own copy of the published checkpoint fresh, and
   * tells loudly when the published one does not extend it. Never rejects.
   */
  async watch({ origin, publishedNote }: Pick<LogState, "origin" | "publishedNote">): Promise<void> {
    const { keys } = this.#options;
    if (keys === undefined) return;
    const other = origin !== undefined && this.#use(keys, origin) === undefined;
    if (other) tellOtherOrigin(origin, this.#options.origin as string, this.#standingParts(keys));
    if (publishedNote === undefined) return;
    try {
      const consistent = await this.#standbyCopy?.follow(publishedNote);
      if (consistent !== undefined) this.#status = consistent ? "standby" : "contradicted";
    } catch (error) {
      const text = "the published checkpoint cannot be compared with the log now";
      this.#notices.tell("watch", () => this.#options.log.warn({ err: error }, text));
    }
  }

  /** Signs manifests of exports; absent without a key or an origin. */
  exportSigner(): Signer | undefined {
    return this.#identity?.signers.export;
  }

  /** The log is held by another process from now on. */
  release(): void {
    if (this.#status !== "no_key") this.#status = "standby";
    this.#state = undefined;
  }

  /** Waits for a sealing under way; witnesses are waited for no longer. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the service ends"));
    await this.#sealing;
  }

  #isDue(size: number): boolean {
    const now = this.#monotonicMs();
    const since = now - this.#lastMs;
    if (this.#closing.signal.aborted || this.#status === "contradicted" || this.#status === "standby") return false;
    if (since < EVERY_MS) return false;
    if (now >= this.#lookAt) return true;
    if (this.#status === "other_origin") return false;
    if (this.#state === undefined || !this.#register.knows(this.#identity?.origin)) return true;
    if (size === 0) return false;
    const current = this.#current(size);
    return current === undefined || witnessesToAsk(this.#witnesses, current).length > 0;
  }

  /** What is published, where it covers the tree and is not too old. */
  #current(size: number): Published | undefined {
    const published = this.#published;
    const good = published !== undefined && size <= published.checkpoint.size && this.#monotonicMs() < this.#renewAt;
    return good ? published : undefined;
  }

  async #seal(keys: LogKeys, size: number, root: Buffer): Promise<void> {
    if (this.#state === undefined || this.#monotonicMs() >= this.#lookAt) await this.#look(keys);
    if (this.#status !== "signing" || this.#identity === undefined || this.#state === undefined) return;
    const { origin, signers } = this.#identity;
    await this.#register.recordOrigin(this.#state, origin);
    if (size === 0) return;
    const current = this.#current(size);
    if (current !== undefined && witnessesToAsk(this.#witnesses, current).length === 0) {
      this.#lastMs = Number.NEGATIVE_INFINITY;
      return;
    }
    await this.#register.noteKeys(signers);
    const parts = { ...this.#options, kept: this.#kept, witnesses: this.#witnesses, signal: this.#closing.signal };
    const checkpoint = { origin, size, root };
    const published = await (current === undefined ? publish(parts, signers, checkpoint) : cosignLate(parts, current));
    if (published === undefined) {
      // Another tree, another origin, or another process that signs: the database says which.
      this.#state = undefined;
      return;
    }
    this.#published = published;
    if (current === undefined) this.#renewAt = this.#monotonicMs() + RENEW_MS;
    this.#notices.clear();
  }

  #failed(error: unknown): void {
    this.#state = undefined;
    const text = "the log cannot be signed or its checkpoint published now; it is tried again";
    this.#notices.tell("failed", () => this.#options.log.warn({ err: error }, text));
  }

  /** Compares the tree with what was signed of it, and settles under which origin it is signed. False: it is contradicted. */
  async #look(keys: LogKeys): Promise<boolean> {
    this.#lookAt = this.#monotonicMs() + LOOK_AGAIN_MS;
    const parts = this.#standingParts(keys);
    const { state, kept, contradiction } = await readOpened(parts, this.#options.origin);
    if (contradiction !== undefined) {
      this.#status = "contradicted";
      this.#state = undefined;
      tellContradiction(contradiction, parts);
      return false;
    }
    const { origin } = state.origins.at(-1) as { origin: string };
    const identity = this.#use(keys, origin);
    if (identity === undefined) {
      this.#status = "other_origin";
      tellOtherOrigin(origin, this.#options.origin as string, parts);
      return true;
    }
    if (this.#state === undefined && !knowsKeys(state, identity)) tellNewKeys(origin, parts);
    this.#state = state;
    if (this.#published === undefined || noteText(this.#published.note) !== state.publishedNote) {
      this.#published = publishedOf(state);
      const age = this.#published === undefined ? RENEW_MS : cosignatureAge(this.#published, identity);
      this.#renewAt = this.#monotonicMs() + Math.max(0, RENEW_MS - age);
    }
    if (state.signedNote !== undefined) {
      this.#register.learn(origin);
      await this.#kept.follow(kept, state.signedNote);
    }
    const again = this.#status === "contradicted";
    if (again) this.#options.log.info({ origin }, "the log no longer contradicts what was signed of it");
    this.#status = "signing";
    return true;
  }

  #standingParts(keys: LogKeys) {
    return { ...this.#options, keys, tiles: this.#tiles, kept: this.#kept, notices: this.#notices };
  }

  /** Signs as `origin` from now on; nothing where the setting names another. */
  #use(keys: LogKeys, origin: string): Identity | undefined {
    const wanted = this.#options.origin;
    if (this.#identity?.origin === origin) return this.#identity;
    this.#identity = undefined;
    if (wanted !== undefined && wanted !== origin) return undefined;
    const cosigned = () => (this.#published === undefined ? 0 : cosignedS(this.#published, identity));
    const identity: Identity = { origin, signers: logSigners(keys, origin, cosigned) };
    this.#identity = identity;
    this.#register.forgetKeys();
    const used = usedKeys(identity.signers).map(({ verifierKey }) => verifierKey);
    this.#options.log.info({ origin, keys: keys.source, verifier_keys: used }, `the log is signed as ${origin}`);
    return identity;
  }
}
