import type { Flaw } from "../../integrity/offline/flaw.ts";
import type { BundleReport, ReceiptReport } from "../../integrity/offline/report.ts";

/** A report as one line for programs: `result` is `proven` or, without a key that was given, `consistent`. */
export function reportJson({ vouched, ...report }: BundleReport | ReceiptReport): string {
  return JSON.stringify(snakeCase({ result: vouched ? "proven" : "consistent", ...report }, ["filter"]));
}

/** What is wrong, as one line for programs. */
export function flawJson({ what, place }: Flaw): string {
  return JSON.stringify(snakeCase({ result: "failed", flaw: { ...place, description: what } }, []));
}

/** The value with the names of members as the contract writes them; what stands under `asIs` stays. */
function snakeCase(value: unknown, asIs: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => snakeCase(item, asIs));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    asIs.includes(name) ? item : snakeCase(item, asIs),
  ]);
  return Object.fromEntries(entries);
}
