import type { PreparedEvent } from "../../audit/prepare.ts";
import { saltedDigest } from "../../integrity/event_digest.ts";
import type { Snapshot } from "../../postgres/snapshot.ts";
import { statement } from "../statement.ts";

const STORED_IDS = statement("stored_ids");

/** How events of the queue, or dead letters, stand to what is stored. */
export class StoredTally {
  readonly #snapshot: Snapshot;
  /** Stored with the same content. */
  same = 0;
  /** Their id is stored with other content. */
  other = 0;
  /** Not stored. */
  absent = 0;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  async add(events: readonly PreparedEvent[]): Promise<void> {
    if (events.length === 0) return;
    const ids = JSON.stringify(events.map(({ eventId }) => eventId));
    const rows = await this.#snapshot.all<StoredId>(STORED_IDS, [ids]);
    const stored = new Map(rows.map((row) => [row.event_id, row]));
    for (const event of events) {
      const row = stored.get(event.eventId);
      if (row === undefined) this.absent++;
      else if (isSame(event, row)) this.same++;
      else this.other++;
    }
  }
}

interface StoredId {
  readonly event_id: string;
  readonly salt: string | null;
  readonly submission_digest: string | null;
}

function isSame(event: PreparedEvent, { salt, submission_digest: digest }: StoredId): boolean {
  return salt !== null && saltedDigest(salt, "submission", event.submissionDigest) === digest;
}
