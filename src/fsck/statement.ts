import { readFileSync } from "node:fs";

/** A statement of src/fsck/sql/. */
export function statement(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), "utf8");
}
