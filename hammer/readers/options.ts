/** What the process that reads is to do: its one argument, as JSON. */
export interface ReadersOptions {
  /** Where services listen. */
  readonly addresses: readonly string[];
  /** What the tail got, made anew: a TailLine a line. */
  readonly tailFile: string;
  /** The published checkpoints that were seen, made anew: a CheckpointLine a line. */
  readonly checkpointsFile: string;
  /** Milliseconds after which the tail is broken off and resumed, though nothing is wrong; 0: never. */
  readonly breakEveryMs: number;
}

/** What one message of TailEvents brought. */
export interface TailLine {
  /** Which stream it was, by number: each one resumes behind the last message of the one before. */
  readonly stream: number;
  readonly events: readonly (readonly [logIndex: number, eventId: string])[];
  readonly removed: readonly (readonly [first: number, last: number])[];
  readonly upTo: number;
}

/** A published checkpoint, told once for each run of the same answers. */
export interface CheckpointLine {
  /** Who gave it, and over what. */
  readonly from: string;
  /** Numbers of the requests: each is made when the one before is answered or given up. */
  readonly request: number;
  readonly note: string;
}

/** What it tells of itself, a line of JSON a second on its standard output. */
export interface ReadersProgress {
  /** Everything up to this place of the log was given to the tail. */
  readonly upTo: number;
  /** Streams that were opened. */
  readonly streams: number;
  /** Checkpoints that were collected, with repeats. */
  readonly checkpoints: number;
}
