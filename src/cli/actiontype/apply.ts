import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { RegisterActionTypeResponseSchema } from "../../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { type ApplicableKind, applyFiles, applyFlags, applyNotes } from "../catalog/apply.ts";
import type { Command } from "../command.ts";

export const apply: Command = {
  name: "actiontype apply",
  summary:
    "Registers the action types of files, and updates those that are described otherwise; disabled ones are active again.",
  positionals: "PATH…",
  notes: applyNotes,
  flags: applyFlags,
  run: (invocation) => applyFiles(invocation, ACTION_TYPE),
};

const ACTION_TYPE: ApplicableKind = {
  kind: "ActionType",
  noun: "action type",
  async register(catalog, request, bounds) {
    const response = await catalog.registerActionType(request, bounds);
    const { outcome, actionType, warnings } = response;
    const json = toJson(RegisterActionTypeResponseSchema, response, { useProtoFieldName: true }) as JsonObject;
    return { object: `actiontype ${actionType?.actionType ?? ""}`, outcome, warnings, json };
  },
};
