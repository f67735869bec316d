import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { CatalogDescriptionSchema } from "../../gen/ts/kubernaut/catalog/v1/action_type_pb.ts";
import {
  type CountActiveWorkflowsRequest,
  CountActiveWorkflowsRequestSchema,
  CountActiveWorkflowsResponseSchema,
  type DisableActionTypeRequest,
  DisableActionTypeRequestSchema,
  DisableActionTypeResponseSchema,
  type GetActionTypeRequest,
  GetActionTypeRequestSchema,
  GetActionTypeResponseSchema,
  type ListActionTypesRequest,
  ListActionTypesRequestSchema,
  ListActionTypesResponseSchema,
  type RegisterActionTypeRequest,
  RegisterActionTypeRequestSchema,
  RegisterActionTypeResponseSchema,
  type UpdateActionTypeRequest,
  UpdateActionTypeRequestSchema,
  UpdateActionTypeResponseSchema,
} from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { invalid } from "../fault.ts";
import { PageSize } from "../page_size.ts";
import { callerOf, textFaults, withFitTexts } from "../rpc/request_texts.ts";
import { checkDescription, readActionTypeContent } from "./content/content.ts";
import { actionTypeSize, actionTypeState, fromDescription, toActionType, toOutcome } from "./messages.ts";
import type { Description } from "./rows.ts";
import type { CatalogServiceParts } from "./service_parts.ts";
import { pageOf, reasonOf } from "./service_request.ts";

/** The calls of CatalogService on action types. */
export function actionTypeCalls(parts: CatalogServiceParts) {
  return {
    registerActionType: withFitTexts(RegisterActionTypeRequestSchema, (request, context) =>
      registerActionType(parts, request, context),
    ),
    updateActionType: withFitTexts(UpdateActionTypeRequestSchema, (request, context) =>
      updateActionType(parts, request, context),
    ),
    disableActionType: withFitTexts(DisableActionTypeRequestSchema, (request, context) =>
      disableActionType(parts, request, context),
    ),
    getActionType: withFitTexts(GetActionTypeRequestSchema, (request, context) =>
      getActionType(parts, request, context),
    ),
    listActionTypes: withFitTexts(ListActionTypesRequestSchema, (request, context) =>
      listActionTypes(parts, request, context),
    ),
    countActiveWorkflows: withFitTexts(CountActiveWorkflowsRequestSchema, (request, context) =>
      countActiveWorkflows(parts, request, context),
    ),
  };
}

async function registerActionType(
  { changes }: CatalogServiceParts,
  { content: text, etag, validateOnly }: RegisterActionTypeRequest,
  context: HandlerContext,
) {
  const { content, warnings } = await readActionTypeContent(text);
  const registered = await changes.registerActionType(content, { by: callerOf(context), etag, validateOnly });
  return create(RegisterActionTypeResponseSchema, {
    outcome: toOutcome(registered.result),
    actionType: toActionType(registered.row),
    correlationId: registered.correlationId,
    warnings,
  });
}

async function updateActionType(
  { changes }: CatalogServiceParts,
  { actionType, description, etag }: UpdateActionTypeRequest,
  context: HandlerContext,
) {
  const wanted = checkedDescription(description);
  const updated = await changes.updateActionType(actionType, wanted, { by: callerOf(context), etag });
  return create(UpdateActionTypeResponseSchema, {
    outcome: toOutcome(updated.result),
    actionType: toActionType(updated.row),
    correlationId: updated.correlationId,
  });
}

/** @throws Fault `invalid`, with the fields as the proto spells them. */
function checkedDescription(message = create(CatalogDescriptionSchema)): Description {
  const description = fromDescription(message);
  const violations = [
    ...textFaults(CatalogDescriptionSchema, message, "description."),
    ...checkDescription(description, "description").map((violation) => {
      return { ...violation, field: snakeCase(violation.field) };
    }),
  ];
  if (violations.length > 0) throw invalid(violations);
  return description;
}

function snakeCase(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

async function disableActionType(
  { changes }: CatalogServiceParts,
  request: DisableActionTypeRequest,
  context: HandlerContext,
) {
  const { actionType, etag } = request;
  const options = { by: callerOf(context), etag, reason: reasonOf(request) };
  const disabled = await changes.disableActionType(actionType, options);
  return create(DisableActionTypeResponseSchema, {
    actionType: toActionType(disabled.row),
    correlationId: disabled.correlationId,
  });
}

async function getActionType({ reader }: CatalogServiceParts, request: GetActionTypeRequest, context: HandlerContext) {
  const row = await reader.getActionType(request.actionType, context.signal);
  return create(GetActionTypeResponseSchema, { actionType: toActionType(row) });
}

async function listActionTypes(
  { reader }: CatalogServiceParts,
  request: ListActionTypesRequest,
  context: HandlerContext,
) {
  const size = new PageSize();
  const page = await reader.listActionTypes(
    actionTypeState(request.status),
    {
      ...pageOf(request),
      accept: (row) => {
        const message = toActionType(row);
        return size.fits(actionTypeSize(message, row)) ? message : undefined;
      },
    },
    context.signal,
  );
  return create(ListActionTypesResponseSchema, { actionTypes: page.items, nextPageToken: page.nextPageToken });
}

async function countActiveWorkflows(
  { reader }: CatalogServiceParts,
  request: CountActiveWorkflowsRequest,
  context: HandlerContext,
) {
  const count = await reader.countActiveWorkflows(request.actionType, context.signal);
  return create(CountActiveWorkflowsResponseSchema, { count });
}
