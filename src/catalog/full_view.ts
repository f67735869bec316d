import { create } from "@bufbuild/protobuf";
import { WorkflowSchema } from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { invalid } from "../fault.ts";
import { canonicalText, type JsonObject } from "../integrity/canonical.ts";
import type { WorkflowContent } from "./content/content.ts";
import { replyBytes, toDescription } from "./messages.ts";
import { toCustomLabels, toDetectedLabels, toExecution, toParameters, toWorkflowLabels } from "./messages_declared.ts";

/** 4 MiB, less what a version's state and the names of its fields take. */
const FULL_VIEW_BYTES = 4 * 1024 * 1024 - 64 * 1024;
/** A spec whose canonical text is no longer than this is small enough in any form: see STRUCT_GROWTH in messages.ts. */
const SURELY_SMALL_BYTES = 256 * 1024;

/**
 * Refuses a version that could not be read back: in the full view its parameters stand beside the spec's text, and both may
 * take several times what they take in the spec.
 *
 * @throws Fault `invalid` (field `spec`).
 */
export function checkReadable(content: WorkflowContent): void {
  const schemaJson = canonicalText(content.spec);
  if (Buffer.byteLength(schemaJson) <= SURELY_SMALL_BYTES) return;
  const bytes = replyBytes(WorkflowSchema, fullView(content, schemaJson));
  if (bytes <= FULL_VIEW_BYTES) return;
  const description = `must take at most ${FULL_VIEW_BYTES} bytes in a reply that holds its parameters too, and takes ${bytes}`;
  throw invalid([{ field: "spec", description }]);
}

/** What of a version is told in full and never changes, but for its names. */
function fullView({ spec, description, detectedLabels, executionBundleDigest }: WorkflowContent, schemaJson: string) {
  return create(WorkflowSchema, {
    labels: toWorkflowLabels(spec["labels"] as JsonObject),
    detectedLabels: toDetectedLabels(detectedLabels as JsonObject),
    customLabels: toCustomLabels((spec["customLabels"] ?? null) as JsonObject | null),
    description: toDescription(description),
    execution: toExecution(spec["execution"] as JsonObject, executionBundleDigest),
    parameters: toParameters(spec["parameters"]),
    schemaJson,
  });
}
