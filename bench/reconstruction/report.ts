import type { ReconstructionResult } from "./reconstruction.ts";

const NAME_WIDTH = 40;

/** The report for people. */
export function reconstructionLines(reconstruction: ReconstructionResult | undefined): string[] {
  if (reconstruction === undefined) return [];
  const row = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(12)).join("")}`;
  const lines = reconstruction.stores.flatMap(({ others, traces }) =>
    traces.flatMap(({ events, sql, reconstruct, timeline }) => [
      row(`${events} events, among ${others} others`, ["SQL", sql.p50_ms.toFixed(2), sql.p99_ms.toFixed(2)]),
      ...[
        { name: "rebuilt", ...reconstruct },
        { name: "timeline", ...timeline },
      ].map((call) =>
        row("", [
          call.name,
          call.p50_ms.toFixed(2),
          call.p99_ms.toFixed(2),
          call.us_an_event_p50.toFixed(1),
          call.us_an_event_p99.toFixed(1),
        ]),
      ),
    ]),
  );
  return [
    `reconstruction, the bare statement by ${reconstruction.sql_by}, a call's µs an event are those beyond it:`,
    row("", ["", "p50 ms", "p99 ms", "µs/event", "of p99"]),
    ...lines,
    "",
  ];
}
