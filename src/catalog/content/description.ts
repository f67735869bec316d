import { z } from "zod";
import type { Description } from "../rows.ts";
import type { Findings, Path } from "./findings.ts";
import { shaped, text } from "./shape.ts";

const CHARACTERS = 4_000;
const required = text(0, CHARACTERS).refine((value) => value.trim() !== "", "must not be blank");

const DESCRIPTION = z.object({
  what: required,
  whenToUse: required,
  whenNotToUse: text(0, CHARACTERS).optional(),
  preconditions: text(0, CHARACTERS).optional(),
});

/** The fields of a description that are known. */
export const DESCRIPTION_FIELDS = Object.keys(DESCRIPTION.shape);

/** The description, its known fields alone; undefined, with what is wrong noted, where it breaks a rule. */
export function checkedDescription(value: unknown, path: Path, findings: Findings): Description | undefined {
  return shaped(DESCRIPTION, value, path, findings);
}
