import type { CheckSummary } from "../../fsck/findings.ts";
import type { FsckSummary } from "../../fsck/fsck.ts";
import type { Palette } from "../colour.ts";
import { count, pad, printable } from "../text.ts";

/** What a person is told at the end: a line for each check, what else is worth knowing, and whether anything is wrong. */
export function summaryText({ checks, notes, faults }: FsckSummary, colours: Palette): string {
  const rows = [["CHECK", "LOOKED AT", "FAULTS", "SECONDS"], ...checks.map(cells)];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row, index) => {
    const line = row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
    return index === 0 ? colours.bold(line) : (checks[index - 1]?.faults ?? 0) > 0 ? colours.red(line) : line;
  });
  for (const { check, text } of notes) lines.push(`note: ${check}: ${printable(text)}`);
  lines.push(faults === 0 ? colours.green("no faults") : colours.red(count(faults, "fault")));
  return `${lines.join("\n")}\n`;
}

function cells({ check, checked, unit, faults, seconds, skipped }: CheckSummary): string[] {
  if (skipped !== undefined) return [check, skipped, "", ""];
  return [check, `${checked.toLocaleString("en-US")} ${unit}`, faults.toLocaleString("en-US"), seconds.toFixed(1)];
}
