import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DiscoveryContextSchema } from "../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import { ACTION_TYPES } from "./catalog_rows.ts";

/** What discovery is asked for: with an action type it is its second step, else its first. */
export interface Question {
  readonly name: string;
  readonly context: MessageInitShape<typeof DiscoveryContextSchema>;
  readonly actionType?: string;
}

/** Fits about a fifth of the catalog, and has something to score. */
const COMMON: Question["context"] = {
  severity: "critical",
  component: "apps/v1/Deployment",
  environment: "production",
  priority: "P1",
  detectedLabels: { gitOpsManaged: true, gitOpsTool: "argocd", helmManaged: false },
  customLabels: { team: { values: ["payments"] }, risk_tolerance: { values: ["low"] } },
};
/** A kind that few workflows name: mostly those for any kind fit. */
const RARE: Question["context"] = { ...COMMON, component: "postgresql.cnpg.io/v1/Cluster", severity: "low" };
const EVERYTHING: Question["context"] = {};

/** From selective to broad. The first action type has nearly a quarter of all workflows, the tenth two of a hundred. */
export function questions(actionTypes: number): Question[] {
  const [largest, small] = [ACTION_TYPES[0], ACTION_TYPES[Math.min(10, actionTypes) - 1]] as [string, string];
  return [
    { name: "actions, rare component", context: RARE },
    { name: "actions, common incident", context: COMMON },
    { name: "actions, everything", context: EVERYTHING },
    { name: "workflows, rare component, small type", context: RARE, actionType: small },
    { name: "workflows, common incident, small type", context: COMMON, actionType: small },
    { name: "workflows, rare component, largest type", context: RARE, actionType: largest },
    { name: "workflows, common incident, largest type", context: COMMON, actionType: largest },
    { name: "workflows, everything, largest type", context: EVERYTHING, actionType: largest },
  ];
}
