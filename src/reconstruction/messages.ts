import { create, fromJson, type JsonObject, type MessageShape } from "@bufbuild/protobuf";
import {
  ReconstructionSchema,
  ReconstructRemediationRequestResponseSchema,
  ReconstructResourceResponseSchema,
} from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { RemediationRequestSchema } from "../../gen/ts/kubernaut/reconstruction/v1/remediation_request_pb.ts";
import type { Reconstructed } from "./trace.ts";

export type RemediationRequestReply = MessageShape<typeof ReconstructRemediationRequestResponseSchema>;
export type ResourceReply = MessageShape<typeof ReconstructResourceResponseSchema>;

/** The reply with a RemediationRequest. `correlationId`: of the event that the call leaves. */
export function toRemediationRequestReply(rebuilt: Reconstructed, correlationId: string): RemediationRequestReply {
  return create(ReconstructRemediationRequestResponseSchema, {
    remediationRequest: fromJson(RemediationRequestSchema, rebuilt.object as JsonObject, { ignoreUnknownFields: true }),
    yaml: rebuilt.yaml,
    json: rebuilt.json,
    reconstruction: toReconstruction(rebuilt, correlationId),
  });
}

/** The reply with any resource. `correlationId`: of the event that the call leaves. */
export function toResourceReply(rebuilt: Reconstructed, correlationId: string): ResourceReply {
  return create(ReconstructResourceResponseSchema, {
    object: rebuilt.object as JsonObject,
    yaml: rebuilt.yaml,
    json: rebuilt.json,
    reconstruction: toReconstruction(rebuilt, correlationId),
  });
}

function toReconstruction(
  { completeness, missing, warnings, provenance, chain, eventsRead, eventsUsed }: Reconstructed,
  correlationId: string,
): MessageShape<typeof ReconstructionSchema> {
  const { verified, checked, firstBad } = chain;
  return create(ReconstructionSchema, {
    completeness,
    missingFields: missing.map(({ path, eventTypes, required }) => ({ path, eventTypes: [...eventTypes], required })),
    warnings: warnings.map(({ message, ...warning }) => ({ ...warning, message: message.toWellFormed() })),
    provenance: provenance.map(({ position, ...source }) => ({ ...source, chainPosition: BigInt(position) })),
    chain: {
      verified,
      eventsChecked: checked,
      ...(firstBad !== undefined && {
        firstBadPosition: BigInt(firstBad.position),
        firstBadEventId: firstBad.eventId,
        problem: firstBad.problem,
      }),
    },
    eventsRead,
    eventsUsed,
    correlationId,
  });
}
