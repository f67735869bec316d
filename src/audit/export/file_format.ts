import type { PlacedRow, WalkRow, WalkStep } from "../read/log_walk.ts";

/** What an export writes: a format with what it must know before it begins. */
export interface FileFormat<Row extends PlacedRow = WalkRow> {
  /** IANA media type. */
  readonly mediaType: string;
  /** Of the file's name, without the dot. */
  readonly extension: string;
  /** What makes the rows of its steps Row; see WalkOptions. */
  readonly columns?: string;
  /** The file, while the steps are read; holds a few megabytes at most, whatever the number of steps. */
  write(steps: AsyncIterable<WalkStep<Row>>): AsyncIterable<Uint8Array>;
}
