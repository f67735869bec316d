// Lists of the catalog: every page of every size, the filters, and replies that stay under gRPC's 4 MiB.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ActionTypeStatus } from "../../gen/ts/kubernaut/catalog/v1/action_type_pb.ts";
import {
  GetWorkflowResponseSchema,
  type ListWorkflowsRequestSchema,
  ListWorkflowsResponseSchema,
} from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { type Workflow, WorkflowStatus } from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { actionTypeText, refusalOf, registerWorkflow, startCatalogService } from "../support/catalog.ts";

const { catalog } = await startCatalogService({ after });
const reason = "for the test";
const MIB = 1024 * 1024;

/** Every page of a list. */
async function pagesOf(request: MessageInitShape<typeof ListWorkflowsRequestSchema>): Promise<Workflow[][]> {
  const pages: Workflow[][] = [];
  for (let pageToken = request.pageToken ?? ""; ; ) {
    const page = await catalog.listWorkflows({ ...request, pageToken } as typeof request);
    pages.push(page.workflows);
    pageToken = page.nextPageToken;
    if (pageToken === "") return pages;
  }
}

const told = (workflows: readonly Workflow[]) =>
  workflows.map(({ workflowName, version }) => `${workflowName} ${version}`);

describe("versions of workflows", async () => {
  await catalog.registerActionType({ content: actionTypeText("RestartDeployment") });
  await catalog.registerActionType({ content: actionTypeText("CordonNode") });
  for (const name of ["b-b", "a", "b"]) {
    for (const version of ["1.0.0", "1.1.0", "10.0.0"]) await registerWorkflow(catalog, name, { version });
  }
  const { workflowId } = await registerWorkflow(catalog, "c", { actionType: "CordonNode" });
  await catalog.disableWorkflow({ workflowId, reason });
  const all = [
    ...["a", "b", "b-b"].flatMap((name) => ["10.0.0", "1.1.0", "1.0.0"].map((version) => `${name} ${version}`)),
    "c 1.2.3",
  ];

  test("come by name, the one registered last first, in pages of every size", async () => {
    for (let pageSize = 1; pageSize <= all.length + 1; pageSize++) {
      const pages = await pagesOf({ pageSize });
      assert.deepEqual(told(pages.flat()), all);
      assert.equal(pages.length, Math.ceil(all.length / pageSize));
    }
  });

  test("are chosen by name, action type, state and being the latest", async () => {
    const { ACTIVE, DISABLED, SUPERSEDED } = WorkflowStatus;
    const chosen = async (request: MessageInitShape<typeof ListWorkflowsRequestSchema>) =>
      told((await pagesOf({ ...request, pageSize: 2 } as typeof request)).flat());
    assert.deepEqual(await chosen({ workflowName: "b" }), ["b 10.0.0", "b 1.1.0", "b 1.0.0"]);
    assert.deepEqual(await chosen({ workflowName: "B" }), []);
    assert.deepEqual(await chosen({ actionType: "CordonNode" }), ["c 1.2.3"]);
    assert.deepEqual(await chosen({ statuses: [DISABLED] }), ["c 1.2.3"]);
    assert.deepEqual(await chosen({ statuses: [ACTIVE, DISABLED] }), ["a 10.0.0", "b 10.0.0", "b-b 10.0.0", "c 1.2.3"]);
    assert.deepEqual(await chosen({ latestOnly: true }), ["a 10.0.0", "b 10.0.0", "b-b 10.0.0", "c 1.2.3"]);
    assert.deepEqual(await chosen({ statuses: [SUPERSEDED], workflowName: "a" }), ["a 1.1.0", "a 1.0.0"]);
    assert.deepEqual(await chosen({ statuses: [SUPERSEDED], latestOnly: true }), []);
    assert.deepEqual(await chosen({ statuses: [WorkflowStatus.UNSPECIFIED] }), all);
  });

  test("go on from a token although the list has changed in the meantime", async () => {
    const first = await catalog.listWorkflows({ pageSize: 4 });
    await registerWorkflow(catalog, "aa", {});
    await registerWorkflow(catalog, "bb", {});
    const rest = await pagesOf({ pageSize: 3, pageToken: first.nextPageToken });
    const seen = [...told(first.workflows), ...told(rest.flat())];
    assert.deepEqual(seen.filter((one) => !one.startsWith("bb")).slice(0, 4), all.slice(0, 4));
    assert.equal(new Set(seen).size, seen.length);
  });
});

describe("action types", async () => {
  const names = ["PageA", "PageB", "PageC", "PageD", "Pagea"];
  for (const name of names.toReversed()) await catalog.registerActionType({ content: actionTypeText(name) });
  await catalog.disableActionType({ actionType: "PageB", reason });

  const pagesWith = async (pageSize: number, status: ActionTypeStatus) => {
    const found: string[] = [];
    for (let pageToken = ""; ; ) {
      const page = await catalog.listActionTypes({ pageSize, status, pageToken });
      found.push(...page.actionTypes.map(({ actionType }) => actionType).filter((name) => names.includes(name)));
      pageToken = page.nextPageToken;
      if (pageToken === "") return found;
    }
  };

  test("come by name, in pages of every size", async () => {
    for (const pageSize of [1, 2, 3, 7, 8, 0]) {
      assert.deepEqual(await pagesWith(pageSize, ActionTypeStatus.UNSPECIFIED), names);
    }
    assert.deepEqual(await pagesWith(2, ActionTypeStatus.DISABLED), ["PageB"]);
    assert.deepEqual(
      await pagesWith(2, ActionTypeStatus.ACTIVE),
      names.filter((name) => name !== "PageB"),
    );
  });
});

test("a token is refused that is none, or one of another list, and says why", async () => {
  const rule = "page_token: must be the next_page_token of a page before";
  const { nextPageToken: workflows } = await catalog.listWorkflows({ pageSize: 1 });
  const { nextPageToken: actionTypes } = await catalog.listActionTypes({ pageSize: 1 });
  const cursor = (value: object) => {
    const token = JSON.parse(Buffer.from(workflows, "base64url").toString());
    return Buffer.from(JSON.stringify({ ...token, cursor: { ...token.cursor, ...value } })).toString("base64url");
  };
  for (const pageToken of [
    "x",
    actionTypes,
    cursor({ createdAt: "2026-02-31T00:00:00.000000Z" }),
    cursor({ createdAt: "yesterday" }),
    cursor({ workflowName: "\0" }),
    cursor({ workflowId: 1 }),
  ]) {
    const { code, violations } = await refusalOf(catalog.listWorkflows({ pageToken }));
    assert.deepEqual([code, violations], ["InvalidArgument", [rule]]);
  }
  const other = await refusalOf(catalog.listWorkflows({ pageToken: workflows, latestOnly: true }));
  assert.deepEqual(other.violations, [`${rule} of the same query`]);
  const kinds = await refusalOf(catalog.listActionTypes({ pageToken: actionTypes, status: ActionTypeStatus.ACTIVE }));
  assert.deepEqual(kinds.violations, [`${rule} of the same query`]);
});

test("a page of large workflows ends before it is too large for gRPC, as protobuf and as JSON", async () => {
  const text = "🙂".repeat(4000);
  const description = { what: text, whenToUse: text, whenNotToUse: text, preconditions: text };
  const names = Array.from({ length: 70 }, (_, index) => `large-${index}`);
  await Promise.all(names.map((name) => registerWorkflow(catalog, name, { description })));
  const seen: string[] = [];
  for (let pageToken = ""; ; ) {
    const page = await catalog.listWorkflows({ pageToken, pageSize: 1000 });
    const bytes = [toBinary(ListWorkflowsResponseSchema, page), toJsonString(ListWorkflowsResponseSchema, page)];
    for (const form of bytes) assert.ok(Buffer.byteLength(form as string) < 4 * MIB);
    seen.push(...told(page.workflows));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
    assert.ok(
      bytes.some((form) => Buffer.byteLength(form as string) > 3 * MIB),
      "a page is not much smaller than it may be",
    );
  }
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(seen.filter((name) => name.startsWith("large-")).length, names.length);
});

test("a workflow that could not be read in full is refused", async () => {
  // As JSON text within JSON text, a quote takes four bytes.
  const quotes = (notes: number, inParameter: number) => ({
    notes: '"'.repeat(notes),
    parameters: [{ name: "P", type: "string", required: false, description: "long", default: '"'.repeat(inParameter) }],
  });
  const { workflowId } = await registerWorkflow(catalog, "just-readable", quotes(600_000, 200_000));
  const reply = await catalog.getWorkflow({ workflowId });
  assert.ok(Buffer.byteLength(toJsonString(GetWorkflowResponseSchema, reply)) < 4 * MIB);
  const { code, violations } = await refusalOf(registerWorkflow(catalog, "unreadable", quotes(800_000, 240_000)));
  assert.equal(code, "InvalidArgument");
  assert.match(
    violations[0] ?? "",
    /^spec: must take at most 4128768 bytes in a reply that holds its parameters too, and takes 464\d{4}$/,
  );
});
