import { create, type MessageShape } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import {
  type GetTimelineRequest,
  GetTimelineRequestSchema,
  GetTimelineResponseSchema,
  ReconstructionService,
  type ReconstructRemediationRequestRequest,
  ReconstructRemediationRequestRequestSchema,
  ReconstructRemediationRequestResponseSchema,
  type ReconstructResourceRequest,
  ReconstructResourceRequestSchema,
  ReconstructResourceResponseSchema,
  ResourceKind,
} from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { type OwnEvent, prepareOwnEvents } from "../audit/own_event.ts";
import { Fault } from "../fault.ts";
import { callerOf, withFitTexts } from "../rpc/request_texts.ts";
import type { Kind } from "./kind.ts";
import { KINDS } from "./kinds/kinds.ts";
import { toRemediationRequestReply, toResourceReply } from "./messages.ts";
import { isUpTo } from "./parse/parse.ts";
import { toAsOf, toQuestion, unknownKind } from "./question.ts";
import { type Question, reconstructing, remediationNotFound } from "./reconstruct.ts";
import { type Attempt, newAttempt, notReconstructed, reconstructed } from "./reconstruction_events.ts";
import { fitReply } from "./reply_size.ts";
import type { ReconstructionServiceParts } from "./service_parts.ts";
import { inPieces, mapping } from "./steps.ts";
import { toTimelineEvent } from "./timeline/event.ts";
import { timelineOf } from "./timeline/timeline.ts";
import type { Reconstructed } from "./trace.ts";

/** Registers kubernaut.reconstruction.v1.ReconstructionService. What each call promises stands in the proto. */
export function reconstructionRoutes(parts: ReconstructionServiceParts): (router: ConnectRouter) => void {
  return (router) =>
    router.service(ReconstructionService, {
      reconstructRemediationRequest: withFitTexts(ReconstructRemediationRequestRequestSchema, (request, context) =>
        reconstructRemediationRequest(parts, request, context),
      ),
      reconstructResource: withFitTexts(ReconstructResourceRequestSchema, (request, context) =>
        reconstructResource(parts, request, context),
      ),
      getTimeline: withFitTexts(GetTimelineRequestSchema, (request, context) => getTimeline(parts, request, context)),
    });
}

async function reconstructRemediationRequest(
  parts: ReconstructionServiceParts,
  request: ReconstructRemediationRequestRequest,
  context: HandlerContext,
): Promise<MessageShape<typeof ReconstructRemediationRequestResponseSchema>> {
  const kind = kindOf(ResourceKind.REMEDIATION_REQUEST);
  return rebuild(parts, kind, toQuestion(request), context, (rebuilt, correlationId) => {
    const reply = toRemediationRequestReply(rebuilt, correlationId);
    fitReply(ReconstructRemediationRequestResponseSchema, reply);
    return reply;
  });
}

async function reconstructResource(
  parts: ReconstructionServiceParts,
  request: ReconstructResourceRequest,
  context: HandlerContext,
): Promise<MessageShape<typeof ReconstructResourceResponseSchema>> {
  return rebuild(parts, kindOf(request.kind), toQuestion(request), context, (rebuilt, correlationId) => {
    const reply = toResourceReply(rebuilt, correlationId);
    fitReply(ReconstructResourceResponseSchema, reply);
    return reply;
  });
}

function kindOf(asked: ResourceKind): Kind {
  const kind = KINDS.get(asked);
  if (kind === undefined) throw unknownKind(asked);
  return kind;
}

/**
 * Rebuilds a resource and hands the event of that to the outbox; the reply does not wait for it to be stored. What is not
 * found leaves none, and neither does what cannot be read now.
 */
async function rebuild<Reply>(
  { reader, events, turns }: ReconstructionServiceParts,
  kind: Kind,
  question: Question,
  context: HandlerContext,
  toReply: (rebuilt: Reconstructed, correlationId: string) => Reply,
): Promise<Reply> {
  const { signal } = context;
  const attempt = newAttempt(kind.kind, question);
  const place = events.reserve(1);
  const leave = async (event: OwnEvent) => place.fill(await prepareOwnEvents([event], callerOf(context)));
  try {
    return await turns.take(signal, async () => {
      const rows = await reader.read(question.correlationId, question.asOf, signal);
      const rebuilt = await inPieces(reconstructing(kind, rows, question), signal);
      const reply = toReply(rebuilt, attempt.correlationId);
      await leave(reconstructed(attempt, rebuilt));
      return reply;
    });
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== "precondition") throw error;
    await leave(notReconstructed(attempt, error));
    throw withCorrelationId(error, attempt);
  } finally {
    place.release();
  }
}

/** The fault, which also names the event that tells of it. */
function withCorrelationId({ kind, message, details }: Fault, { correlationId }: Attempt): Fault {
  return new Fault(kind, message, { ...details, metadata: { correlation_id: correlationId, ...details.metadata } });
}

async function getTimeline(
  { reader, turns }: ReconstructionServiceParts,
  { correlationId, asOf, expand }: GetTimelineRequest,
  { signal }: HandlerContext,
): Promise<MessageShape<typeof GetTimelineResponseSchema>> {
  const moment = toAsOf(asOf);
  return turns.take(signal, async () => {
    const rows = await reader.read(correlationId, moment, signal);
    const counting = moment === undefined ? rows : rows.filter((row) => isUpTo(row, moment));
    if (counting.length === 0) throw remediationNotFound(correlationId, rows.length);
    const events = await inPieces(mapping(counting, toTimelineEvent), signal);
    return create(GetTimelineResponseSchema, { timeline: timelineOf(correlationId, events, { expand }) });
  });
}
