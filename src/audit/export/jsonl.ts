import { eventLine, LINE_COLUMNS, type LineRow } from "./event_line.ts";
import type { FileFormat } from "./file_format.ts";
import { TextBuffer } from "./text_buffer.ts";

/** One JSON object a line: the events as they stand in a bundle. */
export const jsonlFormat: FileFormat<LineRow> = {
  mediaType: "application/jsonl",
  extension: "jsonl",
  columns: LINE_COLUMNS,
  async *write(steps) {
    const lines = new TextBuffer();
    for await (const { rows } of steps) {
      for (const row of rows) lines.add(eventLine(row));
      if (lines.size > 0) yield lines.take();
    }
  },
};
