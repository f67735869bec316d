import { ResourceKind } from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import type { EventOutbox } from "../audit/event_outbox.ts";
import type { Database } from "../postgres/database.ts";
import { TraceReader } from "./query/trace_reader.ts";
import { REMEDIATION_REQUEST } from "./remediation_request.ts";
import type { ReconstructionServiceParts } from "./service_parts.ts";
import { Turns } from "./turns.ts";

/** Traces that are in memory at the same time: more would be no sooner done, since one thread works on all of them. */
const TRACES_AT_ONCE = 1;

/** The reconstruction of a running service. `read`: for what only reads. */
export function openReconstruction(read: Database, events: EventOutbox): ReconstructionServiceParts {
  return {
    reader: new TraceReader(read),
    events,
    turns: new Turns(TRACES_AT_ONCE),
    kinds: new Map([[ResourceKind.REMEDIATION_REQUEST, REMEDIATION_REQUEST]]),
  };
}
