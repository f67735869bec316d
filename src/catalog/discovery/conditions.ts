import { DETECTED_LABELS, type DetectedLabel, MANDATORY_LABELS, type MandatoryLabel } from "../labels.ts";
import type { Context } from "./context.ts";
import {
  BASE_POINTS,
  CUSTOM_POINTS,
  DETECTED_POINTS,
  fittingValues,
  MOST_POINTS,
  PENALISED,
  WILDCARD_SHARE,
} from "./match.ts";

/** Binds a value as a parameter, and gives what stands for it in the statement. */
export type Bind = (value: string) => string;

/**
 * What match.ts says, as expressions over a row of remediation_workflow_catalog. What a caller sends is bound and never part
 * of the text, which depends only on which labels there are; so there are few texts, and connections can remember them.
 */
export class ContextSql {
  readonly #context: Context;
  readonly #bind: Bind;
  /** The parameters of the detected labels; an empty one was not given. */
  readonly #detected: readonly { readonly label: DetectedLabel; readonly asked: string }[];

  constructor(context: Context, bind: Bind) {
    this.#context = context;
    this.#bind = bind;
    this.#detected = (Object.keys(DETECTED_LABELS) as DetectedLabel[]).map((label) => ({
      label,
      asked: `${bind(String(context.detected[label] ?? ""))}::text`,
    }));
  }

  /** True for the workflows that discovery may find and that match. */
  matches(): string {
    return [FOUND, ...this.#mandatory(), ...this.#detected.map(detectedFits)].join("\n      AND ");
  }

  /** Points from 0 to MOST_POINTS. */
  points(): string {
    const parts = [String(BASE_POINTS), ...this.#detected.map(detectedPoints)];
    if (Object.keys(this.#context.custom).length > 0) parts.push(this.#customPoints());
    return `least(${parts.join("\n      + ")}, ${MOST_POINTS})`;
  }

  /** Containment, which the GIN index over `labels` serves. */
  #mandatory(): string[] {
    return MANDATORY_LABELS.flatMap((label) => {
      const asked = this.#context.labels[label];
      if (asked === undefined || asked === "*") return [];
      const values = [...fittingValues(label, asked), "*"];
      return `(${values.map((value) => this.#declares(label, value)).join(" OR ")})`;
    });
  }

  #declares(label: MandatoryLabel, value: string): string {
    return `labels @> ${this.#bind(JSON.stringify({ [label]: [value] }))}::text::jsonb`;
  }

  /** The keys that are asked for are rows, so that their number does not change the text. */
  #customPoints(): string {
    const asked = Object.entries(this.#context.custom).map(([key, values]) => ({
      key,
      any: values.includes("*"),
      values: values.filter((value) => value !== "*"),
    }));
    return `(SELECT sum(CASE
        WHEN custom_labels -> asked.key ?| asked.values THEN ${CUSTOM_POINTS}
        WHEN custom_labels ? asked.key AND (asked.any OR custom_labels -> asked.key ? '*') THEN ${CUSTOM_POINTS * WILDCARD_SHARE}
        ELSE 0 END)::integer
      FROM jsonb_to_recordset(${this.#bind(JSON.stringify(asked))}::text::jsonb) AS asked (key text, "any" boolean, values text[]))`;
  }
}

/** What discovery may find, where the action type is active. */
export const FOUND = "status = 'active' AND is_latest_version";

interface BoundLabel {
  readonly label: DetectedLabel;
  readonly asked: string;
}

function detectedFits({ label, asked }: BoundLabel): string {
  return `(${asked} IN ('', '*') OR coalesce(detected_labels ->> '${label}', ${asked}) IN (${asked}, '*'))`;
}

function detectedPoints({ label, asked }: BoundLabel): string {
  const declared = `detected_labels ->> '${label}'`;
  const points = DETECTED_POINTS[label];
  const missed = PENALISED.has(label)
    ? `WHEN ${asked} NOT IN ('*', 'false') AND ${declared} IS NULL THEN -${points} `
    : "";
  return `CASE WHEN ${asked} = '' THEN 0 WHEN '*' IN (${asked}, ${declared}) AND ${declared} IS NOT NULL THEN ${points * WILDCARD_SHARE}
        WHEN ${declared} = ${asked} THEN ${points} ${missed}ELSE 0 END`;
}
