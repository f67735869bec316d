import type { Verifier } from "../../integrity/note/signed_note.ts";
import type { CheckContext } from "../check.ts";
import { statement } from "../statement.ts";
import { CheckpointRoots } from "./checkpoint_roots.ts";
import { checkLeaves } from "./leaves.ts";
import { ExpectedEntries } from "./runs.ts";
import { Signatures } from "./signatures.ts";

const STATE = statement("log_state");
const CHAINS = statement("log_chains");
const PENDING = statement("log_pending");
const ORIGINS = statement("log_origins");

/** What the log is held against that does not come from the database. */
export interface Outside {
  /** A signed checkpoint that was kept elsewhere, read before the snapshot was taken. */
  readonly checkpoint?: { readonly name: string; readonly note: string } | undefined;
  /** The log's key as it is known from elsewhere: trusted in place of those of the database. */
  readonly verifier?: Verifier | undefined;
}

interface StateRow {
  readonly size: string;
  readonly root: string;
}

/**
 * Checks the log: every event has its one place in it, or waits for it; entries follow from events, the tree from the entries,
 * its root and all checkpoints from the tree. Reads it once, with a few pages in memory. Gives how many entries there are.
 */
export async function checkLog(context: CheckContext<"log">, outside: Outside): Promise<number> {
  const { snapshot, report } = context;
  const [state] = await snapshot.all<StateRow>(STATE);
  if (state === undefined) {
    await report.fault("no_state", {});
    return 0;
  }
  const size = Number(state.size);
  await tellChains(context);
  await tellPending(context);
  const inUse = await checkOrigins(context);
  const signatures = outside.verifier ? Signatures.of(context, outside.verifier) : await Signatures.read(context);
  const read = signatures.checkpoint.bind(signatures);
  const kept = outside.checkpoint && (await keptCheckpoint(context, outside.checkpoint, signatures, inUse));
  const checkpoints = new CheckpointRoots(context, read, kept);
  const expected = new ExpectedEntries(context, size);
  const tree = await checkLeaves(context, size, expected, checkpoints);
  await expected.rest();
  await checkpoints.beyond(tree.size);
  const root = tree.root().toString("hex");
  if (root !== state.root) await report.fault("root", { expected: root, found: state.root });
  return size;
}

interface PlaceRow {
  readonly correlation_id: string;
  readonly expected: string;
  /** Null: nothing follows, and the head is further on. 0: the head is not that far. */
  readonly found: string | null;
}

async function tellChains({ snapshot, report }: CheckContext<"log">): Promise<void> {
  for await (const page of snapshot.pages<PlaceRow>(CHAINS)) {
    for (const { correlation_id: correlationId, expected, found } of page) {
      const where = { correlationId, position: Number(expected) };
      if (found === null) await report.fault("not_in_log", where);
      else if (found === "0") await report.fault("no_head", where);
      else if (Number(found) < Number(expected))
        await report.fault("in_log_twice", { ...where, position: Number(found) });
      else await report.fault("not_in_log", { ...where, found: `the next in it is at position ${found}` });
    }
  }
}

interface PendingRow {
  readonly correlation_id: string;
  readonly chain_position: string;
  readonly event_id: string | null;
}

async function tellPending({ snapshot, report }: CheckContext<"log">): Promise<void> {
  for await (const page of snapshot.pages<PendingRow>(PENDING)) {
    for (const { correlation_id: correlationId, chain_position, event_id } of page) {
      const where = { correlationId, position: Number(chain_position) };
      if (event_id === null) await report.fault("no_event", where);
      else await report.fault("pending_hash", { ...where, eventId: event_id });
    }
  }
}

interface OriginRow {
  readonly origin: string;
  readonly number: number;
  readonly place: string;
  readonly contradicted: boolean;
}

/** Gives the origins that the tree has to agree with: those since it contradicted a checkpoint last. */
async function checkOrigins({ snapshot, report }: CheckContext<"log">): Promise<ReadonlyMap<string, boolean>> {
  const origins = await snapshot.all<OriginRow>(ORIGINS);
  for (const { origin, number, place } of origins) {
    if (String(number) !== place)
      await report.fault("origin", { name: origin, expected: place, found: String(number) });
  }
  const since = origins.findLastIndex(({ contradicted }) => contradicted);
  return new Map(origins.map(({ origin }, index) => [origin, index >= since]));
}

/** `origins`: whether the tree has to agree with them. */
async function keptCheckpoint(
  { report }: CheckContext<"log">,
  { name, note }: NonNullable<Outside["checkpoint"]>,
  signatures: Signatures,
  origins: ReadonlyMap<string, boolean>,
): Promise<{ name: string; size: number; root: string } | undefined> {
  const checkpoint = await signatures.checkpoint(name, note);
  if (checkpoint === undefined) return undefined;
  const { origin, size, root } = checkpoint;
  const agrees = origins.get(origin);
  if (agrees === undefined) await report.fault("kept_origin", { name, found: origin });
  else if (!agrees) report.note(`${name} is of ${origin}, which the log left because it contradicted what was signed`);
  return agrees === false ? undefined : { name, size, root: root.toString("hex") };
}
