import type { EventOutbox } from "../audit/event_outbox.ts";
import type { Database } from "../postgres/database.ts";
import { Turns } from "../turns.ts";
import { TraceReader } from "./query/trace_reader.ts";
import type { ReconstructionServiceParts } from "./service_parts.ts";

/** Traces that are in memory at the same time: more would be no sooner done, since one thread works on all of them. */
const TRACES_AT_ONCE = 1;

/** The reconstruction of a running service. `read`: for what only reads. */
export function openReconstruction(read: Database, events: EventOutbox): ReconstructionServiceParts {
  return {
    reader: new TraceReader(read),
    events,
    turns: new Turns(TRACES_AT_ONCE),
  };
}
