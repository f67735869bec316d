import type { BundleReport, ReceiptReport } from "../../integrity/offline/report.ts";
import { count } from "../text.ts";

/** What follows from a report, and what does not, a sentence each. */
export interface Proofs {
  readonly proven: readonly string[];
  readonly open: readonly string[];
}

const TRUTH =
  "That what was recorded is true, and happened when it says: that is the word of whoever recorded it, and of the service.";
const NO_KEY =
  "Whose log this is. Anyone can make this with a key of their own: get the log's key from whoever runs the service, by another way, " +
  "and give it with --verifier-key.";

/** What a bundle proves. */
export function bundleProofs(report: BundleReport): Proofs {
  return {
    proven: [...eventProofs(report), ...placeProofs(report), chainProof(report)].filter((text) => text !== ""),
    open: [
      ...(report.vouched ? [] : [NO_KEY]),
      ...selectionGaps(report),
      ...(report.erased > 0 ? ["What the erased payloads were: only their digests are left."] : []),
      ...(report.removed > 0 ? ["What the removed events were, and of which correlation."] : []),
      ...strangers(report),
      sameLog(report),
      TRUTH,
    ],
  };
}

function eventProofs({ events, erased, removed }: BundleReport): string[] {
  const told = [];
  if (events > 0) told.push(`${count(events, "event")}: all fields, the payload and the salt give the event_hash.`);
  if (erased > 0)
    told.push(
      `${count(erased, "event")} without payload: all other fields and the digest of what was erased give the event_hash.`,
    );
  if (removed > 0) told.push(`${count(removed, "removed event")}: hash and place alone.`);
  return told.length > 0 ? told : ["The bundle holds no event."];
}

function placeProofs({ events, erased, removed, checkpoint, firstLogIndex, lastLogIndex }: BundleReport): string[] {
  const all = events + erased + removed;
  if (all === 0) return [];
  const places =
    all === 1 ? `at log_index ${firstLogIndex}` : `from log_index ${firstLogIndex} to ${lastLogIndex}, each at its own`;
  const whole = all === checkpoint.size ? ": these are all its entries" : "";
  return [
    `They stand in the log ${places}, as the checkpoint signs it over ${count(checkpoint.size, "entry", "entries")}${whole}.`,
  ];
}

function chainProof({
  events,
  erased,
  removed,
  correlations,
  links,
  unlinked,
  wholeCorrelation,
  lastLogIndex,
}: BundleReport): string {
  const all = events + erased + removed;
  if (all === 0) return "";
  if (wholeCorrelation !== undefined && unlinked === 0) {
    return `They are the chain of ${wholeCorrelation} from its first event to the one at log_index ${lastLogIndex}, without a gap.`;
  }
  return `${count(links, "event")} of ${count(correlations, "chain")} follow by hash on the event before, or are the first of their chain.`;
}

function selectionGaps({
  events,
  erased,
  removed,
  checkpoint,
  manifestKeys,
  wholeCorrelation,
}: BundleReport): string[] {
  if (events + erased + removed === checkpoint.size) return [];
  const word = manifestKeys.some(({ given }) => given)
    ? "that is the word of the export key, which was given"
    : "that is the word of the export key, which came with the bundle";
  const what =
    wholeCorrelation === undefined
      ? "That no other event of the log matches the filter"
      : "That no later event of the correlation stands in the log";
  return [`${what}: ${word}.`];
}

/** What a receipt proves. */
export function receiptProofs(report: ReceiptReport): Proofs {
  const { eventHash, chainPosition, logIndex, checkpoint, event, eventId, correlationId } = report;
  const what = `An event with the hash ${eventHash}, at place ${chainPosition} of its chain`;
  const place = `stands at log_index ${logIndex} in the log of ${count(checkpoint.size, "entry", "entries")} that the checkpoint names`;
  const proven = [`${what}, ${place}.`];
  if (event === "whole")
    proven.push(
      `The event that was given, ${eventId} of ${correlationId}, is that event: all its fields give the hash.`,
    );
  if (event === "erased") {
    proven.push(
      `The event that was given, ${eventId} of ${correlationId}, is that event: its fields and the digest of its erased payload give the hash.`,
    );
  }
  const open = [];
  if (!report.vouched) {
    open.push(
      "That the log signed the checkpoint: no key was given, and a receipt carries none. Get the log's key from whoever runs the service, " +
        "by another way, and give it with --verifier-key.",
    );
  }
  if (event === "not given") {
    open.push(
      `That it is the event ${eventId} of ${correlationId}, as the receipt says, and what it says: give the event with --event.`,
    );
  }
  return { proven, open: [...open, ...strangers(report), sameLog(report), TRUTH] };
}

/** A witness cosigns every log that it knows of, under whatever name. */
function strangers({ vouched, checkpoint, ...report }: BundleReport | ReceiptReport): string[] {
  const used = [...checkpoint.keys, ...(report.kind === "bundle" ? report.manifestKeys : [])];
  if (!vouched || used.some(({ purpose, given }) => given && purpose !== "witness")) return [];
  return [
    "Whose log this is: of the keys that were given only a witness's signed it, and a witness cosigns the logs of many.",
  ];
}

function sameLog({ checkpoint }: BundleReport | ReceiptReport): string {
  const witnesses = checkpoint.keys.filter(({ purpose, given }) => purpose === "witness" && given);
  const names = witnesses.map(({ name }) => name).join(", ");
  const seen = names === "" ? "" : `, save ${names}, which cosigned it`;
  return `That others were shown the same log${seen}, or that it is the latest checkpoint: compare it with one that was kept elsewhere.`;
}
