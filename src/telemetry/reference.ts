import { groups, type Instrument } from "./instruments.ts";
import { scrapedLabels } from "./metrics.ts";

const TYPES = { histogram: "histogram", counter: "counter", observedCounter: "counter", gauge: "gauge" } as const;

/** The Prometheus type of an instrument, as a scrape's `# TYPE` line names it. */
export function scrapedType({ kind }: Instrument): string {
  return TYPES[kind];
}

/** The part of docs/metrics.md that follows from the table of instruments. */
export function metricsMarkdown(): string {
  return Object.entries(groups)
    .map(([title, group]) => [`### ${title}`, ...Object.values<Instrument>(group).map(entry)].join("\n\n"))
    .join("\n\n");
}

function entry(instrument: Instrument): string {
  const { name, unit, meaning, buckets, openTelemetryName } = instrument;
  const heading = `**\`${name}\`** – ${scrapedType(instrument)}, unit \`${unit}\``;
  const origin = openTelemetryName === undefined ? "" : ` \`${openTelemetryName}\` of OpenTelemetry's conventions.`;
  const labels = scrapedLabels(instrument).map(([label, { meaning: about, values, optional }]) => {
    const listed = values === undefined ? "" : ` One of ${values.map((value) => `\`${value}\``).join(", ")}.`;
    return `- \`${label}\`${optional === true ? " (not always)" : ""}: ${about}${listed}`;
  });
  const bounds = buckets === undefined ? [] : [`- buckets up to ${buckets.join(", ")}`];
  return [heading, `${meaning}${origin}`, [...labels, ...bounds].join("\n")].filter((part) => part !== "").join("\n\n");
}
