import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { WalkRow } from "../read/log_walk.ts";
import { parseTimestamp } from "../timestamp.ts";
import { COLUMNS, type Column } from "./columns.ts";
import type { FileFormat } from "./file_format.ts";

/** Events of a row group, and bytes of their payloads from which on it is full. */
const GROUP_EVENTS = 10_000;
const GROUP_BYTES = 4 * 1024 * 1024;

/**
 * Apache Parquet: texts, 64-bit integers, booleans and times in microseconds of UTC; event_data as JSON text. A row group has 10,000
 * events or 4 MiB of payloads, and what is kept of each until the end is its entry in the footer.
 */
export const parquetFormat: FileFormat = {
  mediaType: "application/vnd.apache.parquet",
  extension: "parquet",
  async *write(steps) {
    const bytes = new PassingWriter();
    const file = new ParquetWriter({ writer: bytes, schema: SCHEMA, createdBy: "kubernaut datastorage" });
    let group: WalkRow[] = [];
    let size = 0;
    for await (const { rows } of steps) {
      for (const row of rows) {
        group.push(row);
        size += row.event_data.length + (row.error_message?.length ?? 0);
        if (group.length < GROUP_EVENTS && size < GROUP_BYTES) continue;
        file.write({ columnData: columnsOf(group), rowGroupSize: group.length });
        yield bytes.take();
        group = [];
        size = 0;
      }
    }
    if (group.length > 0) file.write({ columnData: columnsOf(group), rowGroupSize: group.length });
    file.finish();
    yield bytes.take();
  },
};

/** Hands out what was written, while offsets go on. */
class PassingWriter extends ByteWriter {
  take(): Uint8Array {
    const taken = Buffer.from(this.getBytes());
    this.index = 0;
    return taken;
  }
}

const TYPES: Readonly<Record<Column["kind"], Omit<SchemaElement, "name">>> = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  json: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  integer: { type: "INT64" },
  boolean: { type: "BOOLEAN" },
  time: {
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
  },
};

const SCHEMA: SchemaElement[] = [
  { name: "root", num_children: COLUMNS.length },
  ...COLUMNS.map(
    ({ name, kind, nullable }): SchemaElement => ({
      ...TYPES[kind],
      name,
      repetition_type: nullable ? "OPTIONAL" : "REQUIRED",
    }),
  ),
];

function columnsOf(rows: readonly WalkRow[]) {
  return COLUMNS.map(({ name, kind, text }) => {
    const toValue = VALUES[kind];
    const data = rows.map((row) => {
      const told = text(row);
      return told === null ? undefined : toValue(told);
    });
    return { name, data };
  });
}

const VALUES: Readonly<Record<Column["kind"], (text: string) => unknown>> = {
  text: (value) => value,
  json: (value) => value,
  integer: (value) => BigInt(value),
  boolean: (value) => value === "true",
  time(value) {
    const { seconds, nanos } = parseTimestamp(value);
    return seconds * 1_000_000n + BigInt(nanos / 1000);
  },
};
