// What the labels of workflows may say, and the normalised forms in which the catalog stores and compares them.

/** Values of the label `severity` in lower case, without `*`. */
export const SEVERITIES: readonly string[] = ["critical", "high", "medium", "low", "info", "warning"];

/** Values of the label `priority` in lower case, without `*`. */
export const PRIORITIES: readonly string[] = ["p0", "p1", "p2", "p3", "p4"];

/** The labels that every workflow declares, in the order in which they are told. */
export const MANDATORY_LABELS = ["severity", "component", "environment", "priority"] as const;

/** One of them. */
export type MandatoryLabel = (typeof MANDATORY_LABELS)[number];

/** Normalised: lower case, no value twice; of `component` the tokens that componentTokens makes. `*` stands for all. */
export type StoredLabels = Readonly<Record<MandatoryLabel, readonly string[]>>;

/** What may be detected of the infrastructure around an object. */
export type DetectedLabel =
  | "gitOpsManaged"
  | "gitOpsTool"
  | "pdbProtected"
  | "hpaEnabled"
  | "stateful"
  | "helmManaged"
  | "networkIsolated"
  | "serviceMesh";

/** What a detected label may say: a boolean, or the name of a tool (these, in lower case, or `*` for any). */
export const DETECTED_LABELS: Readonly<Record<DetectedLabel, "boolean" | readonly string[]>> = {
  gitOpsManaged: "boolean",
  gitOpsTool: ["argocd", "flux"],
  pdbProtected: "boolean",
  hpaEnabled: "boolean",
  stateful: "boolean",
  helmManaged: "boolean",
  networkIsolated: "boolean",
  serviceMesh: ["istio", "linkerd"],
};

/** Normalised: booleans, and tools in lower case. */
export type StoredDetectedLabels = Readonly<Partial<Record<DetectedLabel, boolean | string>>>;

/** Normalised: key → values in lower case, no value twice. The case of keys counts. */
export type StoredCustomLabels = Readonly<Record<string, readonly string[]>>;

/**
 * What is stored of one declared component, in lower case: `apps/v1/Deployment` → itself and `deployment`, `Deployment` →
 * itself and `*\/deployment`, `*` → `*`. So componentTokens and fittingComponentTokens have a token in common exactly where a
 * declared component fits one that is asked for.
 */
export function componentTokens(declared: string): string[] {
  const text = declared.toLowerCase();
  if (text === "*") return [text];
  const kind = kindOf(text);
  return kind === text ? [kind, anyGroup(kind)] : [text, kind];
}

/**
 * The stored tokens that fit a component of a context, in lower case: a bare kind fits every group and version, a full one
 * itself and the bare kind. `*` is left out: it fits everything.
 */
export function fittingComponentTokens(asked: string): string[] {
  const text = asked.toLowerCase();
  const kind = kindOf(text);
  return kind === text ? [kind] : [text, anyGroup(kind)];
}

/** The rule that a component breaks, as `must …`; undefined for a kind, `version/Kind`, `group/version/Kind` and `*`. */
export function componentProblem(text: string): string | undefined {
  if (text === "*" || (text.length <= MAX_COMPONENT && COMPONENT.test(text))) return undefined;
  return "must be a kind (Deployment), version/Kind (v1/Node), group/version/Kind (apps/v1/Deployment) or *";
}

function kindOf(component: string): string {
  return component.slice(component.lastIndexOf("/") + 1);
}

function anyGroup(kind: string): string {
  return `*/${kind}`;
}

/** A group is a DNS-1123 subdomain of at most 253 characters; version and kind are labels of at most 63. */
const MAX_COMPONENT = 253 + 1 + 63 + 1 + 63;

const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const COMPONENT = new RegExp(
  `^(?:(?:${LABEL}(?:\\.${LABEL})*/)?${LABEL}/)?[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`,
);
