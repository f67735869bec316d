import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { RegisterWorkflowResponseSchema } from "../../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { type ApplicableKind, applyFiles, applyFlags, applyNotes } from "../catalog/apply.ts";
import type { Command } from "../command.ts";
import { workflowTitle } from "./workflows.ts";

export const apply: Command = {
  name: "workflow apply",
  summary: "Registers the workflows of files; a new version takes the place of the one that is active.",
  positionals: "PATH…",
  notes: applyNotes,
  flags: {
    "allow-downgrade": {
      help: "take versions that are lower than the active one, and superseded ones, as the new one",
    },
    ...applyFlags,
  },
  run: (invocation) => applyFiles(invocation, workflowKind(invocation.given.has("allow-downgrade"))),
};

function workflowKind(allowDowngrade: boolean): ApplicableKind {
  return {
    kind: "RemediationWorkflow",
    noun: "workflow",
    async register(catalog, request, bounds) {
      const response = await catalog.registerWorkflow({ ...request, allowDowngrade }, bounds);
      const { outcome, workflow, supersededVersion, warnings } = response;
      const json = toJson(RegisterWorkflowResponseSchema, response, { useProtoFieldName: true }) as JsonObject;
      return { object: workflowTitle(workflow), outcome, supersededVersion, warnings, json };
    },
  };
}
