import { create } from "@bufbuild/protobuf";
import { type WorkflowChange, WorkflowChangeSchema } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { PageSize } from "../page_size.ts";
import { replyBytes } from "./messages.ts";
import type { SpecChange } from "./read/compare.ts";

/** Changes that a reply holds at most. */
const MOST_CHANGES = 1000;

/** The first changes, as many as a reply can hold. */
export function toWorkflowChanges(found: readonly SpecChange[]): { changes: WorkflowChange[]; truncated: boolean } {
  const size = new PageSize();
  const changes: WorkflowChange[] = [];
  for (const one of found.slice(0, MOST_CHANGES)) {
    const change = create(WorkflowChangeSchema, { path: one.path, fromJson: one.fromJson, toJson: one.toJson });
    const measure = () => replyBytes(WorkflowChangeSchema, change);
    if (!size.fits({ bound: measure(), measure })) break;
    changes.push(change);
  }
  return { changes, truncated: changes.length < found.length };
}
