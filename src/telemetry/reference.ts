import type { Instrument } from "./instrument.ts";
import { groups } from "./instruments.ts";
import { scrapedLabels } from "./metrics.ts";

const TYPES = { histogram: "histogram", counter: "counter", observedCounter: "counter", gauge: "gauge" } as const;

/** The Prometheus type of an instrument, as a scrape's `# TYPE` line names it. */
export function scrapedType({ kind }: Instrument): string {
  return TYPES[kind];
}

/** The part of docs/metrics.md that follows from the table of instruments: a table for each group, then its labels and buckets. */
export function metricsMarkdown(): string {
  return Object.entries(groups)
    .map(([title, group]) => section(title, Object.values(group)))
    .join("\n\n");
}

function section(title: string, group: readonly Instrument[]): string {
  const details = group.flatMap((instrument) => [...labelLines(instrument), ...bucketLines(instrument)]);
  return [
    `### ${title}`,
    "",
    "| Metric | Type | Unit | Labels | Meaning |",
    "|---|---|---|---|---|",
    ...group.map(row),
    ...(details.length === 0 ? [] : ["", ...details]),
  ].join("\n");
}

function row(instrument: Instrument): string {
  const { name, unit, meaning, openTelemetryName } = instrument;
  const labels = scrapedLabels(instrument).map(([label]) => `\`${label}\``);
  const origin = openTelemetryName === undefined ? "" : ` OpenTelemetry's \`${openTelemetryName}\`.`;
  const cells = [
    `\`${name}\``,
    scrapedType(instrument),
    `\`${unit}\``,
    labels.join(", ") || "–",
    `${meaning}${origin}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function labelLines(instrument: Instrument): string[] {
  return scrapedLabels(instrument).map(([label, { meaning, values = [] }]) => {
    const untold = values.map((value) => `\`${value}\``).filter((value) => !meaning.includes(value));
    const list = untold.length === 0 ? "" : ` Values: ${untold.join(", ")}.`;
    return `- \`${label}\` of \`${instrument.name}\`: ${meaning}${list}`;
  });
}

function bucketLines({ name, buckets }: Instrument): string[] {
  return buckets === undefined ? [] : [`- buckets of \`${name}\`: up to ${buckets.join(", ")}`];
}
