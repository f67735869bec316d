// A real catalog through `buf curl`, a client that knows nothing of this project but what reflection tells it.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { CatalogService } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { recordedTexts, startCatalogService } from "../support/catalog.ts";
import { bufCurl } from "./buf_curl.ts";

const actionTypes = recordedTexts("action-types");
const workflows = recordedTexts("workflows");

interface Registered {
  readonly outcome: string;
  readonly workflow?: Found;
}

interface Found {
  readonly workflowId: string;
  readonly workflowName: string;
  readonly actionType: string;
  readonly labels: Readonly<Record<"severity" | "component" | "environment" | "priority", readonly string[]>>;
}

describe("buf curl", { skip: !workflows && "DATASTORAGE_TEST_DATA is not set" }, async () => {
  if (actionTypes === undefined || workflows === undefined) return;
  const { address } = await startCatalogService({ after });
  const call = async <T>(method: string, request: Parameters<typeof bufCurl>[2]) =>
    (await bufCurl(address, method, request, "grpc", CatalogService)) as T;
  const register = async (method: string, texts: Iterable<string>) => {
    const registered: Registered[] = [];
    for (const content of texts) registered.push(await call<Registered>(method, { content }));
    return registered;
  };
  const outcomes = (registered: readonly Registered[]) => [...new Set(registered.map(({ outcome }) => outcome))];
  const known: Found[] = [];

  test("registers every recorded action type and workflow, the second time without a change", async () => {
    for (const outcome of ["CREATED", "UNCHANGED"]) {
      const wanted = [`REGISTRATION_OUTCOME_${outcome}`];
      assert.deepEqual(outcomes(await register("RegisterActionType", actionTypes.values())), wanted);
      const registered = await register("RegisterWorkflow", [...workflows.values()].reverse());
      assert.deepEqual(outcomes(registered), wanted);
      if (outcome === "CREATED") known.push(...registered.flatMap(({ workflow }) => workflow ?? []));
    }
    assert.equal(known.length, workflows.size);
  });

  test("finds each workflow for what it is made for", async () => {
    for (const { workflowId, workflowName, actionType, labels } of known) {
      const context = {
        severity: labels.severity[0] as string,
        component: labels.component[0] as string,
        environment: labels.environment[0] as string,
        priority: "P1",
      };
      const request = { action_type: actionType, context };
      const { workflows = [] } = await call<{ workflows?: { workflow: Found }[] }>("ListMatchingWorkflows", request);
      assert.ok(
        workflows.some(({ workflow }) => workflow.workflowId === workflowId),
        workflowName,
      );
    }
  });
});
