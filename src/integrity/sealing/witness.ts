import type { Logger } from "../../telemetry/logs.ts";
import { consistencyProof } from "../merkle/proofs.ts";
import type { TileReader } from "../merkle/tile.ts";
import type { Checkpoint } from "../note/checkpoint.ts";
import { noteText, parseVerifierKey, type Signature, type SignedNote, type Verifier } from "../note/signed_note.ts";
import { Notices } from "./notices.ts";
import { type HttpAnswer, readWitnessAnswer, type WitnessAnswer } from "./witness_answer.ts";
import type { WitnessOption } from "./witness_option.ts";

/** The longest that a witness may take for a checkpoint, its corrections of the old size included. */
const TIMEOUT_MS = 2000;
/** Questions for one checkpoint: the old size may be corrected twice, where somebody else asks as well. */
const QUESTIONS = 3;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const ANSWER_BYTES = 64 * 1024;

export interface WitnessParts {
  readonly tiles: TileReader;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  readonly monotonicMs: () => number;
}

/**
 * A witness that is asked to cosign checkpoints (C2SP tlog-witness). It checks that each extends the one before, so that
 * nobody can be shown another log. One that fails is left alone for a second, then two, up to a minute.
 */
export class Witness {
  readonly verifier: Verifier;
  readonly #url: string;
  readonly #parts: WitnessParts;
  readonly #notices: Notices;
  /** Entries of the checkpoint that it cosigned last, by origin, as far as it is known. */
  readonly #sizes = new Map<string, number>();
  #asking = false;
  #pauseMs = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor({ verifierKey, url }: WitnessOption, parts: WitnessParts) {
    this.verifier = parseVerifierKey(verifierKey);
    this.#url = `${url}/add-checkpoint`;
    this.#parts = parts;
    this.#notices = new Notices(parts.monotonicMs);
  }

  /** Whether it failed when it was asked last. */
  get failing(): boolean {
    return this.#pauseMs > 0;
  }

  /** Whether it is left alone for the moment: it failed, or is being asked. */
  get paused(): boolean {
    return this.#asking || this.#parts.monotonicMs() < this.#pausedUntil;
  }

  /** Its cosignature of a signed checkpoint; nothing where it gives none in time. Never rejects. */
  async cosign(checkpoint: Checkpoint, note: SignedNote, signal: AbortSignal): Promise<Signature | undefined> {
    if (this.paused) return undefined;
    this.#asking = true;
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const answer = await this.#ask(checkpoint, note, limited);
      if (answer.kind === "cosigned") {
        this.#works();
        return answer.signature;
      }
      this.#failed(answer.kind === "other_size" ? "it names another old size each time" : answer.reason, answer.kind);
    } catch (error) {
      if (!signal.aborted) this.#failed(reasonOf(error), "refused");
    } finally {
      this.#asking = false;
    }
    return undefined;
  }

  async #ask(checkpoint: Checkpoint, note: SignedNote, signal: AbortSignal): Promise<WitnessAnswer> {
    const { origin, size } = checkpoint;
    for (let question = 1; ; question++) {
      // Of one that has seen more than there is, the answer to 0 tells how much.
      const known = this.#sizes.get(origin) ?? 0;
      const old = known > size ? 0 : known;
      const body = await this.#question(old, size, note);
      const answer = readWitnessAnswer(await this.#post(body, signal), {
        size,
        old,
        text: note.text,
        verifier: this.verifier,
      });
      if (answer.kind === "cosigned") this.#sizes.set(origin, size);
      if (answer.kind === "other_size") this.#sizes.set(origin, answer.size);
      if (answer.kind !== "other_size" || question === QUESTIONS) return answer;
    }
  }

  async #question(old: number, size: number, note: SignedNote): Promise<string> {
    const proof = await consistencyProof(this.#parts.tiles, old, size);
    const lines = [`old ${old}`, ...proof.map((hash) => hash.toString("base64")), "", ""];
    return lines.join("\n") + noteText(note);
  }

  async #post(body: string, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await fetch(this.#url, { method: "POST", body, signal, redirect: "error" });
    const type = answer.headers.get("content-type") ?? "";
    return { status: answer.status, type, body: await limitedText(answer) };
  }

  #works(): void {
    if (this.#pauseMs > 0) this.#parts.log.info({ witness: this.verifier.name }, "a witness cosigns again");
    this.#pauseMs = 0;
    this.#pausedUntil = Number.NEGATIVE_INFINITY;
    this.#notices.clear();
  }

  #failed(reason: string, kind: WitnessAnswer["kind"]): void {
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2 || FIRST_PAUSE_MS);
    this.#pausedUntil = this.#parts.monotonicMs() + this.#pauseMs;
    const facts = { witness: this.verifier.name, url: this.#url, reason };
    this.#notices.tell(kind, () => {
      if (kind !== "contradicted") return this.#parts.log.warn(facts, "a witness does not cosign");
      this.#parts.log.error(
        facts,
        "a witness says that the log contradicts what it cosigned before: entries were taken back or changed",
      );
    });
  }
}

async function limitedText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES) throw new Error(`its answer has more than ${ANSWER_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString();
}

/** What fetch fails with says why in its cause alone. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `it did not answer within ${TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
