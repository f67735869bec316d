import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import {
  type GetMatchingWorkflowRequest,
  GetMatchingWorkflowRequestSchema,
  GetMatchingWorkflowResponseSchema,
  type ListAvailableActionsRequest,
  ListAvailableActionsRequestSchema,
  ListAvailableActionsResponseSchema,
  type ListMatchingWorkflowsRequest,
  ListMatchingWorkflowsRequestSchema,
  ListMatchingWorkflowsResponseSchema,
} from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { callerOf, withFitTexts } from "../rpc/request_texts.ts";
import { toContext } from "./discovery/context.ts";
import { toFullWorkflow } from "./messages.ts";
import { toAvailableAction, toExcludedWorkflow, toMatchingWorkflow } from "./messages_discovery.ts";
import type { CatalogServiceParts } from "./service_parts.ts";

/** The calls of CatalogService that find workflows for an incident. */
export function discoveryCalls(parts: CatalogServiceParts) {
  return {
    listAvailableActions: withFitTexts(ListAvailableActionsRequestSchema, (request, context) =>
      listAvailableActions(parts, request, context),
    ),
    listMatchingWorkflows: withFitTexts(ListMatchingWorkflowsRequestSchema, (request, context) =>
      listMatchingWorkflows(parts, request, context),
    ),
    getMatchingWorkflow: withFitTexts(GetMatchingWorkflowRequestSchema, (request, context) =>
      getMatchingWorkflow(parts, request, context),
    ),
  };
}

async function listAvailableActions(
  { discovery }: CatalogServiceParts,
  request: ListAvailableActionsRequest,
  context: HandlerContext,
) {
  const found = await discovery.listAvailableActions(toContext(request.context), request, callOf(context));
  return create(ListAvailableActionsResponseSchema, {
    actionTypes: found.actions.map(toAvailableAction),
    nextPageToken: found.nextPageToken,
    correlationId: found.correlationId,
  });
}

async function listMatchingWorkflows(
  { discovery }: CatalogServiceParts,
  request: ListMatchingWorkflowsRequest,
  context: HandlerContext,
) {
  const { actionType, context: incident } = request;
  const found = await discovery.listMatchingWorkflows(actionType, toContext(incident), request, callOf(context));
  const { nextPageToken, correlationId, excluded = [], excludedCount = 0 } = found;
  return create(ListMatchingWorkflowsResponseSchema, {
    workflows: found.matches.map(toMatchingWorkflow),
    nextPageToken,
    correlationId,
    excluded: excluded.map(toExcludedWorkflow),
    excludedCount,
  });
}

async function getMatchingWorkflow(
  { discovery }: CatalogServiceParts,
  { workflowId, context: incident }: GetMatchingWorkflowRequest,
  context: HandlerContext,
) {
  const { row, correlationId } = await discovery.getMatchingWorkflow(workflowId, toContext(incident), callOf(context));
  return create(GetMatchingWorkflowResponseSchema, { workflow: toFullWorkflow(row), correlationId });
}

function callOf(context: HandlerContext) {
  return { by: callerOf(context), signal: context.signal };
}
