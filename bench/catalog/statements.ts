import { create } from "@bufbuild/protobuf";
import { DiscoveryContextSchema } from "../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import { toContext } from "../../src/catalog/discovery/context.ts";
import { planActions, planMatching } from "../../src/catalog/discovery/discovery_statements.ts";
import type { Statement } from "../../src/postgres/statement.ts";
import type { Question } from "./incidents.ts";

/** The very statement, with its values, by which the service answers a question with the first `pageSize` candidates. */
export function statementOf({ context, actionType }: Question, pageSize: number): Statement {
  const asked = toContext(create(DiscoveryContextSchema, context));
  // One more than a page tells whether there is another.
  if (actionType === undefined) return planActions(asked, undefined, pageSize + 1);
  return planMatching(actionType, asked, undefined, pageSize + 1);
}
