import type { WalkStep } from "../read/log_walk.ts";

/** What an export writes: a format with what it must know before it begins. */
export interface FileFormat {
  /** IANA media type. */
  readonly mediaType: string;
  /** Of the file's name, without the dot. */
  readonly extension: string;
  /** Whether rows must bring their salts. */
  readonly salts: boolean;
  /** The file, while the steps are read; holds a few megabytes at most, whatever the number of steps. */
  write(steps: AsyncIterable<WalkStep>): AsyncIterable<Uint8Array>;
}
