import type { FieldSource } from "../../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import type { Palette } from "../colour.ts";
import { type Column, Table } from "../table.ts";

const COLUMNS: readonly Column<FieldSource>[] = [
  { heading: "FIELD", value: ({ path }) => path, least: 24, worth: 5 },
  { heading: "PLACE", value: ({ chainPosition }) => String(chainPosition), worth: 3 },
  { heading: "EVENT TYPE", value: ({ eventType }) => eventType, least: 20, worth: 4 },
  { heading: "IN IT", value: ({ source }) => source, least: 16, worth: 2 },
  { heading: "EVENT", value: ({ eventId }) => eventId, worth: 1 },
];

/** Each field and the event that it came from. */
export function provenanceText(sources: readonly FieldSource[], columns: number | undefined, colours: Palette): string {
  const table = new Table(COLUMNS, sources, columns, colours);
  return [table.heading(), ...sources.map((source) => table.row(source))].map((line) => `${line}\n`).join("");
}
