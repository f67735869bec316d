import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { HealthCheckRequestSchema } from "../../gen/ts/health/v1/health_pb.ts";
import {
  GetMatchingWorkflowRequestSchema,
  ListAvailableActionsRequestSchema,
  ListAvailableActionsResponseSchema,
  ListMatchingWorkflowsRequestSchema,
  type ListMatchingWorkflowsResponse,
  ListMatchingWorkflowsResponseSchema,
} from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { envelope } from "../grpc.ts";
import type { Question } from "./incidents.ts";

/** Candidates on a page at most, as by default. */
export const PAGE_SIZE = 100;

/** A call that is ready for the wire. */
export interface Call {
  readonly method: string;
  readonly framed: Buffer;
}

/** The first or the second step of discovery. */
export function callOf(question: Question): Call {
  if (question.actionType !== undefined) return listWorkflows(question, false);
  const request = create(ListAvailableActionsRequestSchema, { context: question.context, pageSize: PAGE_SIZE });
  return {
    method: "ListAvailableActions",
    framed: envelope(toBinary(ListAvailableActionsRequestSchema, request)),
  };
}

/** The second step with scores and reasons. */
export function explainCall(question: Question): Call {
  return listWorkflows(question, true);
}

function listWorkflows({ context, actionType = "" }: Question, explain: boolean): Call {
  const request = create(ListMatchingWorkflowsRequestSchema, { context, actionType, pageSize: PAGE_SIZE, explain });
  return {
    method: "ListMatchingWorkflows",
    framed: envelope(toBinary(ListMatchingWorkflowsRequestSchema, request)),
  };
}

/** Candidates in the answer to a question. */
export function returnedIn(answer: Uint8Array, { actionType }: Question): number {
  if (actionType !== undefined) return readWorkflows(answer).workflows.length;
  return fromBinary(ListAvailableActionsResponseSchema, answer).actionTypes.length;
}

/** The answer of the second step. */
export function readWorkflows(answer: Uint8Array): ListMatchingWorkflowsResponse {
  return fromBinary(ListMatchingWorkflowsResponseSchema, answer);
}

/** The third step. */
export function getCall(workflowId: string, { context }: Question): Call {
  const request = create(GetMatchingWorkflowRequestSchema, { workflowId, context });
  return {
    method: "GetMatchingWorkflow",
    framed: envelope(toBinary(GetMatchingWorkflowRequestSchema, request)),
  };
}

/** A call of the health service: it looks at nothing. */
export function emptyCall(): Call {
  return {
    method: "Check",
    framed: envelope(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema))),
  };
}
