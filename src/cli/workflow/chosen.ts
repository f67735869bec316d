import { WorkflowView } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { onlyPositional } from "../arguments.ts";
import type { CallBounds, CatalogClient } from "../catalog/client.ts";
import type { Flags, Given } from "../command.ts";
import { UsageError } from "../exit_code.ts";

/** The flag of every command for one version of a workflow. */
export const versionFlags = {
  version: { value: "VERSION", help: "with a name: this version (default: the one registered last)" },
} as const satisfies Flags;

/** One version, as a person names it. */
export type Chosen = { readonly workflowId: string } | { readonly workflowName: string; readonly version: string };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads which version is meant: by its id, or by name with or without a version. @throws UsageError for an id with a version. */
export function readChosen(given: Given): Chosen {
  const named = onlyPositional(given, "NAME|ID");
  const version = given.text("version");
  if (!UUID.test(named)) return { workflowName: named, version: version ?? "" };
  if (version !== undefined)
    throw new UsageError("--version goes with a name; a workflow id names one version already");
  return { workflowId: named };
}

/** The id of the version that is meant. @throws ConnectError NOT_FOUND where there is none. */
export async function idOf(chosen: Chosen, catalog: CatalogClient, bounds: CallBounds): Promise<string> {
  if ("workflowId" in chosen) return chosen.workflowId;
  const { workflow } = await catalog.getWorkflow({ ...chosen, view: WorkflowView.BASIC }, bounds);
  return workflow?.workflowId ?? "";
}
