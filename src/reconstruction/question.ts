import {
  type AsOf as AsOfMessage,
  type ResourceKind,
  ResourceKindSchema,
} from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { isInRange, timestampText } from "../audit/timestamp.ts";
import { type Fault, invalid, type Violation } from "../fault.ts";
import type { Question } from "./reconstruct.ts";
import type { AsOf } from "./trace.ts";

/** The members that every request of a reconstruction has. */
interface Asked {
  readonly correlationId: string;
  readonly asOf?: AsOfMessage | undefined;
  readonly namespace: string;
  readonly minimumCompleteness: number;
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * What a request asks, its texts being such as PostgreSQL holds.
 *
 * @throws Fault `invalid` for a moment that is none, a namespace that no cluster can have, a share that is none.
 */
export function toQuestion({ correlationId, asOf, namespace, minimumCompleteness }: Asked): Question {
  const violations: Violation[] = momentFaults(asOf);
  if (namespace !== "" && !DNS_LABEL.test(namespace)) {
    const description = "must be a DNS label: 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends";
    violations.push({ field: "namespace", description });
  }
  if (!(minimumCompleteness >= 0 && minimumCompleteness <= 1)) {
    violations.push({ field: "minimum_completeness", description: "must be a share, 0 to 1" });
  }
  if (violations.length > 0) throw invalid(violations);
  const moment = toMoment(asOf);
  return {
    correlationId,
    minimumCompleteness,
    ...(moment !== undefined && { asOf: moment }),
    ...(namespace !== "" && { namespace }),
  };
}

/** The moment that a request asks for; undefined: now. @throws Fault `invalid`. */
export function toAsOf(asOf: AsOfMessage | undefined): AsOf | undefined {
  const violations = momentFaults(asOf);
  if (violations.length > 0) throw invalid(violations);
  return toMoment(asOf);
}

function momentFaults(asOf: AsOfMessage | undefined): Violation[] {
  if (asOf === undefined) return [];
  const { moment } = asOf;
  if (moment.case === undefined) return [{ field: "as_of", description: "must have a time or a chain_position" }];
  if (moment.case === "time") {
    if (isInRange(moment.value)) return [];
    return [{ field: "as_of.time", description: "must be a time of the years 1 to 9999" }];
  }
  if (moment.value >= 1n && moment.value <= BigInt(Number.MAX_SAFE_INTEGER)) return [];
  const description = `must be a place in the chain, 1 to ${Number.MAX_SAFE_INTEGER}`;
  return [{ field: "as_of.chain_position", description }];
}

function toMoment(asOf: AsOfMessage | undefined): AsOf | undefined {
  if (asOf === undefined || asOf.moment.case === undefined) return undefined;
  const { moment } = asOf;
  return moment.case === "time" ? { time: timestampText(moment.value) } : { position: Number(moment.value) };
}

/** Refuses a kind that cannot be rebuilt. */
export function unknownKind(kind: ResourceKind): Fault {
  return invalid([
    {
      field: "kind",
      description: `must be a kind that can be rebuilt, and not ${ResourceKindSchema.value[kind]?.name}`,
    },
  ]);
}
