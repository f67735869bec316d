/** What a client process is to do: its one argument, as JSON. */
export interface ClientOptions {
  /** Seeds everything that is drawn by lot. */
  readonly seed: number;
  /** Number of this process among the clients of a campaign, 0 to 4095. */
  readonly process: number;
  readonly writers: number;
  /** Ingest streams of a writer; each writer makes calls of RecordEvents besides. */
  readonly streams: number;
  /** Where services listen: another one is taken when one refuses. */
  readonly addresses: readonly string[];
  /** The history of this process; made anew. */
  readonly historyFile: string;
  /** How many events the whole process sends a second when nothing holds it up. */
  readonly eventsPerSecond: number;
  /** Some events lie up to so many months before or after the month that most events fall into. */
  readonly months: number;
  /** Share of batches that must not be queued, 0 to 1. */
  readonly requireRecordedShare: number;
  /** Share of acknowledged batches that are sent again on purpose, 0 to 1. */
  readonly resendShare: number;
  /** Share of acknowledged batches of which one event is sent again with other content, 0 to 1. */
  readonly twinShare: number;
  /** Milliseconds without any answer, while one is due, after which a connection is given up. */
  readonly answerTimeoutMs: number;
}

export const CLIENT_DEFAULTS = {
  writers: 3,
  streams: 3,
  months: 1,
  requireRecordedShare: 0.1,
  resendShare: 0.02,
  twinShare: 0.005,
  answerTimeoutMs: 20_000,
} as const;

/** What a client process is told while it runs: a line of JSON on its standard input. */
export interface ClientControl {
  /** True: no new batches for now; what is unanswered is still sent again. False: on with it. */
  readonly pause?: boolean;
  /** Months from now to the month that most events fall into; 0 is the present one. */
  readonly month?: number;
  /** As in ClientOptions. */
  readonly months?: number;
  /** No new batches ever; the process ends when everything is acknowledged. */
  readonly end?: true;
}

/** What a client process tells of itself, a line of JSON a second on its standard output. Numbers of events. */
export interface ClientProgress {
  /** Sent for the first time. */
  readonly sent: number;
  /** Of these, those with an outcome. */
  readonly acked: number;
  readonly recorded: number;
  readonly queued: number;
  readonly duplicates: number;
  /** Attempts without an outcome: the fate was unknown, and the events were or will be sent again. */
  readonly unknown: number;
}
