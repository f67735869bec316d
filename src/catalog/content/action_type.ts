import type { ActionTypeContent } from "./content.ts";
import { checkedDescription, DESCRIPTION_FIELDS } from "./description.ts";
import type { Findings } from "./findings.ts";
import { ACTION_TYPE_NAME, shaped, warnOfUnknown } from "./shape.ts";
import type { JsonSpec } from "./values.ts";

/** The content of an ActionType object's spec; undefined, with what is wrong noted, where it breaks a rule. */
export function readActionType(spec: JsonSpec, findings: Findings): ActionTypeContent | undefined {
  const { value } = spec;
  const actionType = shaped(ACTION_TYPE_NAME, value["name"], ["spec", "name"], findings);
  const description = checkedDescription(value["description"], ["spec", "description"], findings);
  warnOfUnknown(value, ["name", "description"], ["spec"], findings, "left out");
  warnOfUnknown(value["description"], DESCRIPTION_FIELDS, ["spec", "description"], findings, "left out");
  return actionType === undefined || description === undefined ? undefined : { actionType, description };
}
