import type { EventOutbox } from "../audit/event_outbox.ts";
import type { Turns } from "../turns.ts";
import type { TraceReader } from "./query/trace_reader.ts";

/** What the calls of ReconstructionService need. */
export interface ReconstructionServiceParts {
  readonly reader: TraceReader;
  /** Takes the events of reconstructions. */
  readonly events: Pick<EventOutbox, "reserve">;
  /** Bounds how many traces are in memory. */
  readonly turns: Turns;
}
