import { create, type DescMessage, type MessageShape, toBinary, toJson } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  type ActionType,
  ActionTypeSchema,
  ActionTypeStatus,
  type CatalogDescription,
  CatalogDescriptionSchema,
} from "../../gen/ts/kubernaut/catalog/v1/action_type_pb.ts";
import { RegistrationOutcome } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { type Workflow, WorkflowSchema, WorkflowStatus } from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { parseTimestamp } from "../audit/timestamp.ts";
import { canonicalText } from "../integrity/canonical.ts";
import type { ItemSize } from "../page_size.ts";
import type { RegistrationResult } from "./change/changes.ts";
import { toCustomLabels, toDetectedLabels, toExecution, toParameters, toWorkflowLabels } from "./messages_declared.ts";
import type {
  ActionTypeRow,
  ActionTypeState,
  Description,
  FullWorkflowRow,
  WorkflowRow,
  WorkflowState,
} from "./rows.ts";

const ACTION_TYPE_STATUSES: Readonly<Record<ActionTypeState, ActionTypeStatus>> = {
  active: ActionTypeStatus.ACTIVE,
  disabled: ActionTypeStatus.DISABLED,
};

const WORKFLOW_STATUSES: Readonly<Record<WorkflowState, WorkflowStatus>> = {
  active: WorkflowStatus.ACTIVE,
  disabled: WorkflowStatus.DISABLED,
  deprecated: WorkflowStatus.DEPRECATED,
  archived: WorkflowStatus.ARCHIVED,
  superseded: WorkflowStatus.SUPERSEDED,
};

const OUTCOMES: Readonly<Record<RegistrationResult, RegistrationOutcome>> = {
  created: RegistrationOutcome.CREATED,
  unchanged: RegistrationOutcome.UNCHANGED,
  updated: RegistrationOutcome.UPDATED,
  reenabled: RegistrationOutcome.REENABLED,
  superseded_previous: RegistrationOutcome.SUPERSEDED_PREVIOUS,
};

export function toOutcome(result: RegistrationResult): RegistrationOutcome {
  return OUTCOMES[result];
}

/** The state that a filter asks for; undefined: any. */
export function actionTypeState(status: ActionTypeStatus): ActionTypeState | undefined {
  return keyOf(ACTION_TYPE_STATUSES, status);
}

/** The states that a filter asks for; none: any. */
export function workflowStates(statuses: readonly WorkflowStatus[]): WorkflowState[] {
  if (statuses.includes(WorkflowStatus.UNSPECIFIED)) return [];
  return statuses.flatMap((status) => keyOf(WORKFLOW_STATUSES, status) ?? []);
}

function keyOf<Key extends string>(values: Readonly<Record<Key, number>>, value: number): Key | undefined {
  return (Object.keys(values) as Key[]).find((key) => values[key] === value);
}

export function toActionType(row: ActionTypeRow): ActionType {
  return create(ActionTypeSchema, {
    actionType: row.action_type,
    description: toDescription(row.description),
    status: ACTION_TYPE_STATUSES[row.status],
    ...(row.disabled_at !== null && { disabledAt: toTimestamp(row.disabled_at) }),
    disabledBy: row.disabled_by ?? "",
    createdAt: toTimestamp(row.created_at),
    updatedAt: toTimestamp(row.updated_at),
    etag: row.revision,
  });
}

export function toDescription({ what, whenToUse, whenNotToUse, preconditions }: Description): CatalogDescription {
  return create(CatalogDescriptionSchema, {
    what,
    whenToUse,
    whenNotToUse: whenNotToUse ?? "",
    preconditions: preconditions ?? "",
  });
}

/** A description as it is registered, of one that keeps its rules; what is empty is absent. */
export function fromDescription({ what, whenToUse, whenNotToUse, preconditions }: CatalogDescription): Description {
  return {
    what,
    whenToUse,
    ...(whenNotToUse !== "" && { whenNotToUse }),
    ...(preconditions !== "" && { preconditions }),
  };
}

/** A version in the basic view. */
export function toWorkflow(row: WorkflowRow): Workflow {
  return create(WorkflowSchema, {
    workflowId: row.workflow_id,
    workflowName: row.workflow_name,
    version: row.version,
    isLatestVersion: row.is_latest_version,
    actionType: row.action_type,
    status: WORKFLOW_STATUSES[row.status],
    labels: toWorkflowLabels(row.declared_labels),
    detectedLabels: toDetectedLabels(row.detected_labels),
    customLabels: toCustomLabels(row.declared_custom_labels),
    description: toDescription(row.description),
    execution: toExecution(row.execution, row.execution_bundle_digest),
    contentHash: row.content_hash,
    createdAt: toTimestamp(row.created_at),
    createdBy: row.created_by,
    updatedAt: toTimestamp(row.updated_at),
    updatedBy: row.updated_by,
    statusReason: row.status_reason ?? "",
    etag: row.revision,
  });
}

/** A version in the full view. */
export function toFullWorkflow(row: FullWorkflowRow): Workflow {
  const workflow = toWorkflow(row);
  workflow.parameters = toParameters(row.schema_data["parameters"]);
  // jsonb keeps neither the order of keys nor the way a number was written: what is given back is the canonical text.
  workflow.schemaJson = canonicalText(row.schema_data);
  return workflow;
}

/** PostgreSQL's text of a time, to the microsecond. */
function toTimestamp(text: string): Timestamp {
  return create(TimestampSchema, parseTimestamp(text));
}

/** What an action type takes in a reply. */
export function actionTypeSize(message: ActionType, row: Pick<ActionTypeRow, "description">): ItemSize {
  const bound = ENVELOPE_BYTES + textBytes(row.description);
  return { bound, measure: () => replyBytes(ActionTypeSchema, message) };
}

/** What a version in the basic view takes in a reply. */
export function workflowSize(message: Workflow, row: WorkflowRow): ItemSize {
  // Lists of labels have longer names in a reply, and a Struct longer numbers.
  const bound = ENVELOPE_BYTES + 2 * textBytes(row) + STRUCT_GROWTH * textBytes(row.execution);
  return { bound, measure: () => replyBytes(WorkflowSchema, message) };
}

/** Names of all fields in ProtoJSON, and the values of those that always have about the same length. */
const ENVELOPE_BYTES = 1500;
/** The most that a Struct takes for one byte of canonical text: `1,` becomes eleven. */
const STRUCT_GROWTH = 6;

function textBytes(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Bytes that a message takes in a reply, as protobuf or as ProtoJSON, whichever is more. */
export function replyBytes<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): number {
  return Math.max(textBytes(toJson(schema, message) as object), toBinary(schema, message).byteLength);
}
