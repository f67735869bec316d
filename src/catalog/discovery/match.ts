import type { Json, JsonObject } from "../../integrity/canonical.ts";
import { type DetectedLabel, fittingComponentTokens, MANDATORY_LABELS, type MandatoryLabel } from "../labels.ts";
import type { WorkflowRow } from "../rows.ts";
import type { Context } from "./context.ts";

// Points are thousandths of what stands in the formula of docs/catalog.md: score = min(1, (5 + …) / 10) there is
// min(10,000, 5,000 + …) here, so that the database and this process add up the same whole numbers.

/** Points of a workflow of which no label says anything. */
export const BASE_POINTS = 5_000;
/** Points that count, at most. */
export const MOST_POINTS = 10_000;
/** What a custom label key gives that has a value in common. */
export const CUSTOM_POINTS = 150;
/** What a detected label gives that is the same on both sides. */
export const DETECTED_POINTS: Readonly<Record<DetectedLabel, number>> = {
  gitOpsManaged: 100,
  gitOpsTool: 100,
  pdbProtected: 50,
  serviceMesh: 50,
  networkIsolated: 30,
  helmManaged: 20,
  stateful: 20,
  hpaEnabled: 20,
};
/** Detected labels that take their points away where the context has them and the workflow does not say that it is made for them. */
export const PENALISED: ReadonlySet<DetectedLabel> = new Set<DetectedLabel>(["gitOpsManaged", "gitOpsTool"]);
/** What `*` on a side gives of the points of a label. */
export const WILDCARD_SHARE = 0.5;

/** What one label of the context gave, or that it left the workflow out. */
export interface Contribution {
  /** Path of the label as registered objects have it: `labels.severity`, `detectedLabels.gitOpsTool`, `customLabels["team"]`. */
  readonly label: string;
  readonly contextValues: readonly string[];
  /** Empty: not declared. */
  readonly workflowValues: readonly string[];
  readonly match: "exact" | "wildcard" | "mismatch" | "not_declared";
  /** Thousandths. */
  readonly points: number;
}

/** What a workflow is to a context. */
export interface Judgement {
  /** One for each label that the context gives. */
  readonly contributions: readonly Contribution[];
  /** Those that leave the workflow out; none: it matches. */
  readonly excludedBy: readonly Contribution[];
  /** 0 to MOST_POINTS. */
  readonly points: number;
}

/** Labels in the form in which they are stored. */
export type Labelled = Pick<WorkflowRow, "labels" | "detected_labels" | "custom_labels">;

/**
 * Compares a workflow with a context. This is the meaning of what conditions.ts has the database do, and the two must agree
 * on every workflow.
 */
export function judge(context: Context, workflow: Labelled): Judgement {
  const required = MANDATORY_LABELS.flatMap((label) => {
    const asked = context.labels[label];
    return asked === undefined ? [] : [compareMandatory(label, asked, workflow.labels[label] as readonly string[])];
  });
  const detected = Object.entries(context.detected).map(([label, asked]) =>
    compareDetected(label as DetectedLabel, String(asked), own(workflow.detected_labels, label)),
  );
  const custom = Object.entries(context.custom).map(([key, asked]) =>
    compareCustom(key, asked, own(workflow.custom_labels, key) as readonly string[] | undefined),
  );
  const contributions = [...required, ...detected, ...custom];
  const sum = contributions.reduce((points, contribution) => points + contribution.points, BASE_POINTS);
  return {
    contributions,
    excludedBy: [...required, ...detected].filter(({ match }) => match === "mismatch"),
    points: Math.min(sum, MOST_POINTS),
  };
}

/** The score of the contract, 0 to 1. */
export function scoreOf(points: number): number {
  return points / MOST_POINTS;
}

/** The stored values of a mandatory label that fit one that is asked for, without `*`, which always does. */
export function fittingValues(label: MandatoryLabel, asked: string): readonly string[] {
  return label === "component" ? fittingComponentTokens(asked) : [asked];
}

function compareMandatory(label: MandatoryLabel, asked: string, declared: readonly string[]): Contribution {
  const exact = asked !== "*" && fittingValues(label, asked).some((value) => declared.includes(value));
  const wildcard = asked === "*" || declared.includes("*");
  return {
    label: `labels.${label}`,
    contextValues: [asked],
    workflowValues: label === "component" ? withoutDerived(declared) : declared,
    match: exact ? "exact" : wildcard ? "wildcard" : "mismatch",
    points: 0,
  };
}

function compareDetected(label: DetectedLabel, asked: string, value: Json | undefined): Contribution {
  const declared = value === undefined ? undefined : String(value);
  const match = matchDetected(asked, declared);
  const isThere = asked !== "*" && asked !== "false";
  const missed = match === "not_declared" && isThere && PENALISED.has(label);
  return {
    label: `detectedLabels.${label}`,
    contextValues: [asked],
    workflowValues: declared === undefined ? [] : [declared],
    match,
    points: missed ? -DETECTED_POINTS[label] : pointsFor(match, DETECTED_POINTS[label]),
  };
}

function matchDetected(asked: string, declared: string | undefined): Contribution["match"] {
  if (declared === undefined) return "not_declared";
  if (asked === "*" || declared === "*") return "wildcard";
  return asked === declared ? "exact" : "mismatch";
}

function compareCustom(key: string, asked: readonly string[], declared: readonly string[] | undefined): Contribution {
  const match = matchCustom(asked, declared);
  return {
    label: `customLabels[${JSON.stringify(key)}]`,
    contextValues: asked,
    workflowValues: declared ?? [],
    match,
    points: pointsFor(match, CUSTOM_POINTS),
  };
}

function matchCustom(asked: readonly string[], declared: readonly string[] | undefined): Contribution["match"] {
  if (declared === undefined) return "not_declared";
  if (asked.some((value) => value !== "*" && declared.includes(value))) return "exact";
  return asked.includes("*") || declared.includes("*") ? "wildcard" : "mismatch";
}

function pointsFor(match: Contribution["match"], points: number): number {
  return match === "exact" ? points : match === "wildcard" ? points * WILDCARD_SHARE : 0;
}

/** Components as they were declared, in lower case: without the tokens that were stored beside them. */
function withoutDerived(tokens: readonly string[]): string[] {
  const isFull = (token: string) => token.includes("/") && !token.startsWith("*/");
  return tokens.filter((token) => token === "*" || isFull(token) || tokens.includes(`*/${token}`));
}

/** A label's name comes from a caller, and may be that of something every object has. */
function own(labels: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}
