import type { DiscoveryResult } from "./discovery.ts";
import type { Times } from "./timing.ts";

const NAME_WIDTH = 52;

/** The report for people. */
export function discoveryLines(discovery: DiscoveryResult | undefined): string[] {
  if (discovery === undefined) return [];
  const { workflows, action_types, sql_by, tries, asked, others } = discovery;
  const row = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(13)).join("")}`;
  const times = ({ p50_ms, p99_ms }: Times) => [p50_ms.toFixed(2), p99_ms.toFixed(2)];
  return [
    `discovery, ${workflows} active workflows of ${action_types} action types, ${tries} tries a round, the bare statement by ${sql_by}:`,
    row("", ["returned", "SQL p50 ms", "p99 ms", "call p50 ms", "p99 ms", "ratio p50", "p99", "ms beyond 2×"]),
    ...asked.map(({ name, returned, sql, service, ratio_p50, ratio_p99, ms_beyond_twice }) =>
      row(name, [
        String(returned),
        ...times(sql),
        ...times(service),
        ratio_p50.toFixed(2),
        ratio_p99.toFixed(2),
        ms_beyond_twice.toFixed(2),
      ]),
    ),
    ...others.map((other) => row(other.name, ["", "", "", ...times(other)])),
    "",
  ];
}
