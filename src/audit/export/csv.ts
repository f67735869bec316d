import { stringify } from "csv-stringify/sync";
import { COLUMNS } from "./columns.ts";
import type { FileFormat } from "./file_format.ts";

/**
 * RFC 4180: lines end with CR LF, the first one names the columns, an absent value is an empty field. Values stand as they are:
 * one that begins with `=`, `+`, `-` or `@` gets no apostrophe before it, since an export that changes what was recorded is none.
 * Who opens it in a spreadsheet should import these columns as text, or a spreadsheet takes such a value for a formula.
 */
export const csvFormat: FileFormat = {
  mediaType: "text/csv; charset=utf-8; header=present",
  extension: "csv",
  async *write(steps) {
    yield csvText([COLUMNS.map(({ name }) => name)]);
    for await (const { rows } of steps) {
      if (rows.length > 0) yield csvText(rows.map((row) => COLUMNS.map(({ text }) => text(row))));
    }
  },
};

function csvText(records: readonly (readonly (string | null)[])[]): Buffer {
  return Buffer.from(stringify(records as (string | null)[][], { record_delimiter: "\r\n" }));
}
