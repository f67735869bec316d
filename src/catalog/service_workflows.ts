import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import {
  ArchiveWorkflowRequestSchema,
  ArchiveWorkflowResponseSchema,
  type CompareWorkflowVersionsRequest,
  CompareWorkflowVersionsRequestSchema,
  CompareWorkflowVersionsResponseSchema,
  DeprecateWorkflowRequestSchema,
  DeprecateWorkflowResponseSchema,
  DisableWorkflowRequestSchema,
  DisableWorkflowResponseSchema,
  EnableWorkflowRequestSchema,
  EnableWorkflowResponseSchema,
  type GetWorkflowRequest,
  GetWorkflowRequestSchema,
  GetWorkflowResponseSchema,
  type ListWorkflowsRequest,
  ListWorkflowsRequestSchema,
  ListWorkflowsResponseSchema,
  type RegisterWorkflowRequest,
  RegisterWorkflowRequestSchema,
  RegisterWorkflowResponseSchema,
} from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { WorkflowView } from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { PageSize } from "../page_size.ts";
import { callerOf, withFitTexts } from "../rpc/request_texts.ts";
import type { LifecycleAct } from "./change/changes.ts";
import { readWorkflowContent } from "./content/content.ts";
import { checkReadable } from "./full_view.ts";
import { toFullWorkflow, toOutcome, toWorkflow, workflowSize, workflowStates } from "./messages.ts";
import { toWorkflowChanges } from "./messages_compare.ts";
import { compareSpecs } from "./read/compare.ts";
import type { CatalogServiceParts } from "./service_parts.ts";
import { pageOf, reasonOf } from "./service_request.ts";

/** The calls of CatalogService on workflows, beside discovery. */
export function workflowCalls(parts: CatalogServiceParts) {
  return {
    registerWorkflow: withFitTexts(RegisterWorkflowRequestSchema, (request, context) =>
      registerWorkflow(parts, request, context),
    ),
    getWorkflow: withFitTexts(GetWorkflowRequestSchema, (request, context) => getWorkflow(parts, request, context)),
    listWorkflows: withFitTexts(ListWorkflowsRequestSchema, (request, context) =>
      listWorkflows(parts, request, context),
    ),
    compareWorkflowVersions: withFitTexts(CompareWorkflowVersionsRequestSchema, (request, context) =>
      compareWorkflowVersions(parts, request, context),
    ),
    disableWorkflow: withFitTexts(DisableWorkflowRequestSchema, async (request, context) =>
      create(DisableWorkflowResponseSchema, await changeWorkflow(parts, "disable", request, context)),
    ),
    enableWorkflow: withFitTexts(EnableWorkflowRequestSchema, async (request, context) =>
      create(EnableWorkflowResponseSchema, await changeWorkflow(parts, "enable", request, context)),
    ),
    deprecateWorkflow: withFitTexts(DeprecateWorkflowRequestSchema, async (request, context) =>
      create(DeprecateWorkflowResponseSchema, await changeWorkflow(parts, "deprecate", request, context)),
    ),
    archiveWorkflow: withFitTexts(ArchiveWorkflowRequestSchema, async (request, context) =>
      create(ArchiveWorkflowResponseSchema, await changeWorkflow(parts, "archive", request, context)),
    ),
  };
}

async function registerWorkflow(
  { changes }: CatalogServiceParts,
  { content: text, etag, validateOnly, allowDowngrade }: RegisterWorkflowRequest,
  context: HandlerContext,
) {
  const { content, warnings } = await readWorkflowContent(text);
  checkReadable(content);
  const options = { by: callerOf(context), etag, validateOnly, allowDowngrade };
  const registered = await changes.registerWorkflow(content, options);
  return create(RegisterWorkflowResponseSchema, {
    outcome: toOutcome(registered.result),
    workflow: toWorkflow(registered.row),
    supersededVersion: registered.supersededVersion,
    correlationId: registered.correlationId,
    warnings,
  });
}

async function getWorkflow({ reader }: CatalogServiceParts, request: GetWorkflowRequest, { signal }: HandlerContext) {
  const workflow =
    request.view === WorkflowView.BASIC
      ? toWorkflow(await reader.getWorkflow(request, "basic", signal))
      : toFullWorkflow(await reader.getWorkflow(request, "full", signal));
  return create(GetWorkflowResponseSchema, { workflow });
}

async function listWorkflows({ reader }: CatalogServiceParts, request: ListWorkflowsRequest, context: HandlerContext) {
  const { workflowName, actionType, statuses, latestOnly } = request;
  const size = new PageSize();
  const page = await reader.listWorkflows(
    { workflowName, actionType, statuses: workflowStates(statuses), latestOnly },
    {
      ...pageOf(request),
      accept: (row) => {
        const message = toWorkflow(row);
        return size.fits(workflowSize(message, row)) ? message : undefined;
      },
    },
    context.signal,
  );
  return create(ListWorkflowsResponseSchema, { workflows: page.items, nextPageToken: page.nextPageToken });
}

async function compareWorkflowVersions(
  { reader }: CatalogServiceParts,
  { workflowName, fromVersion, toVersion }: CompareWorkflowVersionsRequest,
  context: HandlerContext,
) {
  const { from, to } = await reader.getSpecs(workflowName, [fromVersion, toVersion], context.signal);
  return create(CompareWorkflowVersionsResponseSchema, toWorkflowChanges(compareSpecs(from, to)));
}

interface ChangeRequest {
  readonly workflowId: string;
  readonly reason: string;
  readonly etag: string;
}

async function changeWorkflow(
  { changes }: CatalogServiceParts,
  act: LifecycleAct,
  request: ChangeRequest,
  context: HandlerContext,
) {
  const { workflowId, etag } = request;
  const options = { by: callerOf(context), etag, reason: reasonOf(request) };
  const changed = await changes.changeWorkflow(act, workflowId, options);
  return { workflow: toWorkflow(changed.row), correlationId: changed.correlationId };
}
