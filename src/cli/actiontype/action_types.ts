import { toJson } from "@bufbuild/protobuf";
import {
  type ActionType,
  ActionTypeSchema,
  ActionTypeStatus,
} from "../../../gen/ts/kubernaut/catalog/v1/action_type_pb.ts";

export const ACTION_TYPE_STATUSES = {
  active: ActionTypeStatus.ACTIVE,
  disabled: ActionTypeStatus.DISABLED,
} as const;

/** The word for a state; empty for one that is newer than this program. */
export function statusName(status: ActionTypeStatus): string {
  return Object.entries(ACTION_TYPE_STATUSES).find(([, value]) => value === status)?.[0] ?? "";
}

/** An action type as one line of JSON: ProtoJSON with the names of the contract. */
export function actionTypeJson(actionType: ActionType): string {
  return JSON.stringify(toJson(ActionTypeSchema, actionType, { useProtoFieldName: true }));
}
