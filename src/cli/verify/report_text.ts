import type { Flaw } from "../../integrity/offline/flaw.ts";
import type { BundleReport, CheckedKey, ReceiptReport } from "../../integrity/offline/report.ts";
import type { Palette } from "../colour.ts";
import { count, pad, printable, wrap } from "../text.ts";
import { bundleProofs, receiptProofs } from "./proofs.ts";

/** Columns of a sentence; nothing here needs a terminal to be wider. */
const COLUMNS = 110;

/** What a person is told: whose word it rests on, what is proven, and what is not. */
export function reportText(report: BundleReport | ReceiptReport, colours: Palette): string {
  const { vouched, checkpoint } = report;
  const { proven, open } = report.kind === "bundle" ? bundleProofs(report) : receiptProofs(report);
  const verdict = vouched
    ? colours.green("PROVEN by a key that was given")
    : colours.yellow("CONSISTENT IN ITSELF: no key was given, so nobody vouches for it");
  const facts: [string, string][] = [
    ["Log", checkpoint.origin],
    [
      "Checkpoint",
      `${count(checkpoint.size, "entry", "entries")}, root ${Buffer.from(checkpoint.root, "hex").toString("base64")}`,
    ],
    ...keyFacts("Signed by", checkpoint.keys),
    ...checkpoint.unchecked.map((name): [string, string] => ["", `${name}: not checked, its key is not known`]),
    ...(report.kind === "bundle" ? exportFacts(report) : []),
    ...report.unusedKeys.map((name): [string, string] => [
      "Not used",
      `the key of ${name}, which was given, signed nothing of this`,
    ]),
  ];
  const lines = [
    verdict,
    "",
    ...facts.map(([name, text]) => `${colours.bold(pad(name, 10))}  ${printable(text)}`),
    "",
    colours.bold(vouched ? "Proven" : "Proven, if the keys above are those of the log"),
    ...proven.flatMap((text) => item("+", text)),
    "",
    colours.bold("Not proven"),
    ...open.flatMap((text) => item("-", text)),
  ];
  return `${lines.join("\n")}\n`;
}

/** What a person is told of the first thing that is wrong. */
export function flawText(flaw: Flaw, colours: Palette): string {
  return `${colours.red("FAILED")}  ${printable(flaw.message)}\n`;
}

function exportFacts({ exportId, created, filter, manifestKeys }: BundleReport): [string, string][] {
  return [
    ["Export", `${exportId}, made ${created}`],
    ["Filter", Object.keys(filter).length === 0 ? "none: all events" : JSON.stringify(filter)],
    ...keyFacts("Signed by", manifestKeys),
  ];
}

function keyFacts(name: string, keys: readonly CheckedKey[]): [string, string][] {
  return keys.map((key, index) => {
    const time = key.cosignedAt === undefined ? "" : ` at ${timeText(key.cosignedAt)}`;
    const source = key.given ? "given" : "came with it";
    return [index === 0 ? name : "", `${key.purpose}${time}, ${source}: ${key.verifierKey}`];
  });
}

/** A cosigner may say any time of 63 bits. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString().replace(".000Z", "Z");
}

function item(mark: string, text: string): string[] {
  return wrap(printable(text), COLUMNS).map((line, index) => `  ${index === 0 ? mark : " "} ${line}`);
}
