import type { ActionTypeContent, WorkflowContent } from "../../src/catalog/content/content.ts";
import { contentHash, workflowId } from "../../src/catalog/content/identity.ts";
import { componentTokens } from "../../src/catalog/labels.ts";
import { canonicalText, type JsonObject } from "../../src/integrity/canonical.ts";

/** An action type's content, as it comes out of the checks. */
export function actionTypeContent(actionType: string, what = "does it"): ActionTypeContent {
  return { actionType, description: { what, whenToUse: "when it helps" } };
}

/** What a test wants to say of a workflow's content. */
export interface WantedWorkflow {
  readonly name: string;
  readonly version?: string;
  readonly actionType: string;
  /** Other words: another content. */
  readonly what?: string;
}

const DIGEST = `sha256:${"ab".repeat(32)}`;
const BUNDLE = `registry.example/runner@${DIGEST}`;

/** A workflow's content, as it comes out of the checks. */
export function workflowContent(wanted: WantedWorkflow): WorkflowContent {
  const { name, version = "1.0.0", actionType, what = "restarts it" } = wanted;
  const description = { what, whenToUse: "when it hangs" };
  const spec: JsonObject = {
    version,
    actionType,
    description,
    labels: { severity: ["Critical", "high"], component: "apps/v1/Deployment", environment: "*", priority: "*" },
    customLabels: { team: "Payments" },
    detectedLabels: { gitOpsManaged: "true" },
    execution: { engine: "job", bundle: BUNDLE },
    parameters: [{ name: "REPLICAS", type: "integer", minimum: 0.5, maximum: 1e3 }],
  };
  const hash = contentHash(canonicalText(spec));
  return {
    workflowId: workflowId(name, version, hash),
    workflowName: name,
    version,
    actionType,
    description,
    labels: {
      severity: ["critical", "high"],
      component: componentTokens("apps/v1/Deployment"),
      environment: ["*"],
      priority: ["*"],
    },
    detectedLabels: { gitOpsManaged: true },
    customLabels: { team: ["payments"] },
    executionBundle: BUNDLE,
    executionBundleDigest: DIGEST,
    contentHash: hash,
    spec,
  };
}
