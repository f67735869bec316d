/** A JSON object that a test changes. */
export type Loose = { [key: string]: unknown };

/** A RemediationWorkflow object that breaks no rule, its spec changed by `spec`: an undefined member is left out. */
export function workflowObject(spec: Loose = {}): Loose {
  return {
    apiVersion: "kubernaut.ai/v1alpha1",
    kind: "RemediationWorkflow",
    metadata: { name: "restart-web-v1", namespace: "kubernaut-system" },
    spec: {
      version: "1.2.3",
      description: { what: "Restarts the web tier", whenToUse: "When it hangs" },
      actionType: "RestartDeployment",
      labels: {
        severity: ["critical", "High"],
        component: "apps/v1/Deployment",
        environment: "production",
        priority: "*",
      },
      execution: { engine: "job", bundle: `registry.example/ops/restart:1@sha256:${"a".repeat(64)}` },
      parameters: [{ name: "TARGET", type: "string", required: true, description: "What is restarted" }],
      ...spec,
    },
  };
}

/** An ActionType object that breaks no rule, its spec changed by `spec`. */
export function actionTypeObject(spec: Loose = {}): Loose {
  return {
    apiVersion: "kubernaut.ai/v1alpha1",
    kind: "ActionType",
    metadata: { name: "restart-deployment" },
    spec: {
      name: "RestartDeployment",
      description: { what: "Restarts a Deployment", whenToUse: "When its pods hang", preconditions: "It has replicas" },
      ...spec,
    },
  };
}
