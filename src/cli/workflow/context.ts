import { create } from "@bufbuild/protobuf";
import { type DiscoveryContext, DiscoveryContextSchema } from "../../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import { type DetectedLabels, DetectedLabelsSchema } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { nearest } from "../../config/nearest.ts";
import type { Flags, Given } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { DETECTED_LABELS, type DetectedLabel } from "./workflows.ts";

/** The flags of DiscoveryContext. */
export const contextFlags = {
  severity: { value: "WORD", help: "critical, high, medium, low, info or warning" },
  component: { value: "KIND", help: "kind of the affected object: Deployment, v1/Node, apps/v1/Deployment" },
  environment: { value: "NAME", help: "such as production" },
  priority: { value: "P", help: "P0 to P4" },
  detected: {
    value: "LABEL=VALUE",
    repeated: true,
    help: `what is known of the infrastructure, such as gitOpsTool=argocd: ${Object.keys(DETECTED_LABELS).join(", ")}`,
  },
  label: {
    value: "KEY=VALUE",
    repeated: true,
    help: "a custom label, such as team=payments; several values of one key add up",
  },
  "remediation-id": {
    value: "ID",
    help: "the remediation under which the audit trail tells of this (default: one is made)",
  },
} as const satisfies Flags;

/** The incident that the flags describe. @throws UsageError for detected labels that are none and values without a key. */
export function readContext(given: Given): DiscoveryContext {
  const detected = given.texts("detected").map((text) => pairOf("detected", "gitOpsTool=argocd", text));
  const labels = given.texts("label").map((text) => pairOf("label", "team=payments", text));
  const customLabels = [...Map.groupBy(labels, ([key]) => key)].map(([key, pairs]) => [
    key,
    { values: pairs.map(([, value]) => value) },
  ]);
  return create(DiscoveryContextSchema, {
    severity: given.text("severity") ?? "",
    component: given.text("component") ?? "",
    environment: given.text("environment") ?? "",
    priority: given.text("priority") ?? "",
    remediationId: given.text("remediation-id") ?? "",
    customLabels: Object.fromEntries(customLabels),
    ...(detected.length > 0 && { detectedLabels: readDetected(detected) }),
  });
}

function pairOf(flag: string, example: string, text: string): readonly [key: string, value: string] {
  const at = text.indexOf("=");
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`--${flag} must be a name and a value such as ${example}, and not ${JSON.stringify(text)}`);
}

function readDetected(pairs: readonly (readonly [key: string, value: string])[]): DetectedLabels {
  const labels: Partial<Record<DetectedLabel, boolean | string>> = {};
  for (const [key, value] of pairs) {
    const name = detectedName(key);
    if (labels[name] !== undefined) throw new UsageError(`--detected ${name} can be given once`);
    labels[name] = DETECTED_LABELS[name] === "boolean" ? booleanOf(name, value) : value;
  }
  return create(DetectedLabelsSchema, labels as Partial<DetectedLabels>);
}

function detectedName(key: string): DetectedLabel {
  const names = Object.keys(DETECTED_LABELS) as DetectedLabel[];
  const name = names.find((known) => known === key);
  if (name !== undefined) return name;
  const likely = nearest(key, names);
  const hint = likely === undefined ? `the detected labels are ${names.join(", ")}` : `did you mean ${likely}?`;
  throw new UsageError(`--detected has no label ${JSON.stringify(key)}; ${hint}`);
}

function booleanOf(name: string, value: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw new UsageError(`--detected ${name} must be true or false, and not ${JSON.stringify(value)}`);
}
