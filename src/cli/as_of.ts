import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AsOfSchema } from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import type { Given } from "./command.ts";
import { UsageError } from "./exit_code.ts";
import { timeOf } from "./values.ts";

/** The flag of every command that can show the past. */
export const asOfFlag = {
  "as-of": {
    value: "MOMENT",
    help: "as it was then: a time, an age such as 2h, or a place in the chain such as 57",
  },
} as const;

const LAST_POSITION = 2n ** 63n - 1n;

/** The moment that `--as-of` names; undefined: now. @throws UsageError for anything else. */
export function asOf(given: Given, now: Date): MessageInitShape<typeof AsOfSchema> | undefined {
  const text = given.text("as-of");
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) {
    const position = BigInt(text);
    if (position >= 1n && position <= LAST_POSITION) return { moment: { case: "chainPosition", value: position } };
    throw new UsageError(`--as-of must be a place in the chain from 1, and not ${text}`);
  }
  const time = timeOf(given, "as-of", now);
  return time && { moment: { case: "time", value: time } };
}
