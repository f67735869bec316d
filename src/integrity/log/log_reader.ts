import type { Database } from "../../postgres/database.ts";

/** How far the log has come. */
export interface LogState {
  /** Events that have an index: 0 up to size - 1. */
  readonly size: number;
  /** Root of the tree of that size: 32 bytes. */
  readonly root: Buffer;
  /** The origin in use; absent until the first is opened. */
  readonly origin: string | undefined;
  /** Entries that the latest published checkpoint covers; 0 without one. */
  readonly publishedSize: number;
  readonly publishedNote: string | undefined;
  /** RFC 3339 with microseconds. */
  readonly publishedTime: string | undefined;
  readonly signedSize: number;
}

/** Where consecutive events of a chain stand in the log. */
export interface Run {
  readonly firstLogIndex: number;
  readonly eventCount: number;
  readonly correlationId: string;
  readonly firstPosition: number;
  /** Earliest and latest event_date among them: YYYY-MM-DD. */
  readonly firstDate: string;
  readonly lastDate: string;
  /** In hex. */
  readonly salt: string;
}

/** A public key that has signed. Times are RFC 3339. */
export interface LogKey {
  readonly verifierKey: string;
  readonly purpose: "log" | "cosigner" | "export";
  readonly firstUsedTime: string;
  readonly lastUsedTime: string;
}

/** What everyone may ask of the log. Each method throws Fault `unavailable` while the database cannot be read. */
export class LogReader {
  constructor(_database: Database) {}

  state(_signal: AbortSignal): Promise<LogState> {
    throw new Error("not yet");
  }

  /** Recorded events that have no index yet. */
  pendingEvents(_signal: AbortSignal): Promise<number> {
    throw new Error("not yet");
  }

  /** The run that an index lies in. */
  runAt(_logIndex: number, _signal: AbortSignal): Promise<Run | undefined> {
    throw new Error("not yet");
  }

  /** The run that a place of a chain lies in. */
  runOf(_correlationId: string, _position: number, _signal: AbortSignal): Promise<Run | undefined> {
    throw new Error("not yet");
  }

  /** Every key that has signed, the earliest first. */
  keys(_signal: AbortSignal): Promise<LogKey[]> {
    throw new Error("not yet");
  }

  /**
   * Resolves when everything that was recorded before the call has an index and, with `covered`, lies in a published checkpoint;
   * false when that is not so within `timeoutMs`.
   */
  settled(_options: {
    readonly covered: boolean;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<boolean> {
    throw new Error("not yet");
  }
}
