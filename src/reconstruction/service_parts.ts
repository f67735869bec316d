import type { ResourceKind } from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import type { EventOutbox } from "../audit/event_outbox.ts";
import type { Kind } from "./kind.ts";
import type { TraceReader } from "./query/trace_reader.ts";
import type { Turns } from "./turns.ts";

/** What the calls of ReconstructionService need. */
export interface ReconstructionServiceParts {
  readonly reader: TraceReader;
  /** Takes the events of reconstructions. */
  readonly events: Pick<EventOutbox, "reserve">;
  /** Bounds how many traces are in memory. */
  readonly turns: Turns;
  readonly kinds: ReadonlyMap<ResourceKind, Kind>;
}
