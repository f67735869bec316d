import { type LinkFault, type LinkRow, linkFaults } from "../chain_link.ts";
import type { ChainFault, ChainFaultKind, ChainReport } from "./chain_report.ts";
import type { LogCover } from "./log_cover.ts";

/** What audit_chain_heads says of a chain. */
export interface ChainHead {
  readonly position: number;
  readonly hash: string;
}

/** Faults that are told one by one. */
const FAULTS_TOLD = 100;

/** Goes along a chain and gathers what is wrong with it. */
export class ChainWalk {
  readonly #head: ChainHead | undefined;
  readonly #cover: LogCover;
  readonly #coveredSize: number;
  readonly #faults: ChainFault[] = [];
  #faultCount = 0;
  #before: LinkRow | undefined;
  #events = 0;
  #indexed = 0;
  #covered = 0;

  /** `coveredSize`: entries that the latest published checkpoint covers. */
  constructor(head: ChainHead | undefined, cover: LogCover, coveredSize: number) {
    this.#head = head;
    this.#cover = cover;
    this.#coveredSize = coveredSize;
  }

  /** Takes the next event in the order of places. The cover must know of its place whatever there is to know. */
  take(row: LinkRow): void {
    const position = Number(row.chain_position);
    const faults = linkFaults(row, this.#before);
    for (const fault of faults) this.#tellLink(fault);
    const unsalted = row.salt === null;
    if (unsalted) this.#tell("no_salt", position, row.event_id, "it has no salt: its content cannot be checked");
    const { fault, description = "", index } = this.#cover.look(position, row.event_hash);
    if (fault !== undefined) this.#tell(fault, position, row.event_id, description);
    else if (index !== undefined && !unsalted && !faults.some(isOfContent)) {
      this.#indexed++;
      if (index < this.#coveredSize) this.#covered++;
    }
    this.#before = row;
    this.#events++;
  }

  /** What it came to, when all events were taken and the cover is complete; undefined where nobody knows of the chain. */
  report(): ChainReport | undefined {
    if (this.#events === 0 && this.#head === undefined && this.#cover.lastPosition === 0) return undefined;
    this.#checkEnd();
    return {
      intact: this.#faultCount === 0,
      events: this.#events,
      headPosition: this.#head?.position ?? 0,
      faultCount: this.#faultCount,
      faults: this.#faults.sort((left, right) => left.position - right.position),
      indexedEvents: this.#indexed,
      coveredEvents: this.#covered,
      erasedEvents: 0,
      removedEvents: 0,
    };
  }

  #checkEnd(): void {
    const last = this.#before;
    const end = last === undefined ? 0 : Number(last.chain_position);
    const known = Math.max(this.#head?.position ?? 0, this.#cover.lastPosition);
    if (known > end) this.#tell("missing", end + 1, undefined, missing(end + 1, known));
    const place = Math.max(end, known);
    if (this.#head === undefined) this.#tell("head", place, last?.event_id, "the chain has no head");
    else if (this.#head.position < place) {
      this.#tell(
        "head",
        place,
        last?.event_id,
        `the chain goes on behind its head, which is at ${this.#head.position}`,
      );
    } else if (last !== undefined && end === this.#head.position && last.event_hash !== this.#head.hash) {
      this.#tell("head", end, last.event_id, "the head has another hash than the last event");
    }
  }

  #tellLink([kind, { position, eventId, found = "" }]: LinkFault): void {
    const before = this.#before;
    if (kind === "gap") {
      const first = Number(before?.chain_position ?? 0) + 1;
      if (position > first) this.#tell("missing", first, undefined, missing(first, position - 1));
      else this.#tell("missing", position, eventId, `no chain has a place ${position}: the first is 1`);
    } else {
      this.#tell(kind, position, eventId, kind === "fork" ? fork(before?.event_id) : `${MEANINGS[kind]}: ${found}`);
    }
  }

  #tell(kind: ChainFaultKind, position: number, eventId: string | undefined, description: string): void {
    this.#faultCount++;
    if (this.#faults.length < FAULTS_TOLD) this.#faults.push({ kind, position, eventId, description });
  }
}

function isOfContent([kind]: LinkFault): boolean {
  return kind === "event_hash" || kind === "unreadable";
}

/** With what was found behind it. */
const MEANINGS = {
  previous_hash: "its previous_event_hash is not that of the event before",
  event_hash: "its event_hash does not follow from what is stored",
  unreadable: "it cannot be read as an event",
};

function fork(other: string | undefined): string {
  return `event ${other} claims this place as well`;
}

function missing(first: number, last: number): string {
  return first === last ? `place ${first} is empty` : `places ${first} to ${last} are empty`;
}
