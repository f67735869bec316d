// A process that is killed in the middle of a change of the catalog.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { CatalogService, RegistrationOutcome } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { FAILPOINT_VARIABLE, type Failpoint } from "../../src/failpoint.ts";
import { actionTypeText, workflowText } from "../support/catalog.ts";
import { startService, type TestService } from "../support/service.ts";
import { openChangesSite } from "./changes_site.ts";
import { assertToldByEvents, versionEvents } from "./told_by_events.ts";

/** What is to be ended, the last first: the database cannot go while a process uses it. */
const started: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const end of started.reverse()) await end();
});
const site = await openChangesSite({ after: (hook) => void started.push(hook) });

type Catalog = Client<typeof CatalogService>;

/** Calls a service over a connection of the call's own. */
async function call<T>(service: TestService, act: (catalog: Catalog) => Promise<T>): Promise<T> {
  const baseUrl = `http://${service.address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  try {
    return await act(createClient(CatalogService, createGrpcTransport({ baseUrl, sessionManager })));
  } finally {
    sessionManager.abort();
  }
}

async function start(env: Readonly<Record<string, string>> = {}): Promise<TestService> {
  return startService({ DATABASE_URL: site.database.url, DATASTORAGE_MONTHS_AHEAD: "1", ...env });
}

/** Has a process of its own do a change, and be killed at a place of it. */
async function killedAt(place: Failpoint, act: (catalog: Catalog) => Promise<unknown>): Promise<void> {
  const service = await start({ [FAILPOINT_VARIABLE]: place });
  try {
    await assert.rejects(call(service, act));
    assert.equal(await service.stop(), null, "it was killed");
  } finally {
    await service.kill();
  }
}

/** The process that goes on, when another was killed. */
const survivor = await start();
started.push(() => survivor.stop());
await call(survivor, (catalog) => catalog.registerActionType({ content: actionTypeText("RestartPods") }));

const textOf = (name: string, version: string) => workflowText(name, { actionType: "RestartPods", version });
const states = async (name: string) =>
  (await site.workflows(name)).map((row) => `${row.version} ${row.status}${row.is_latest_version ? " latest" : ""}`);

/** Where a process is killed, and whether the change is made by then. */
const PLACES = [
  ["catalog.read", false],
  ["catalog.send", false],
  ["catalog.answered", true],
] as const;

for (const [place, made] of PLACES) {
  test(`killed at ${place}, a registration is ${made ? "" : "not "}made, and asking again makes it once`, async () => {
    const name = `registered-${place.replace("catalog.", "")}`;
    await call(survivor, (catalog) => catalog.registerWorkflow({ content: textOf(name, "1.0.0") }));
    const register = (catalog: Catalog) => catalog.registerWorkflow({ content: textOf(name, "2.0.0") });
    await killedAt(place, register);
    const wanted = ["1.0.0 superseded", "2.0.0 active latest"];
    assert.deepEqual(await states(name), made ? wanted : ["1.0.0 active latest"]);
    await assertToldByEvents(site, name);
    const { outcome } = await call(survivor, register);
    assert.equal(outcome, made ? RegistrationOutcome.UNCHANGED : RegistrationOutcome.SUPERSEDED_PREVIOUS);
    assert.deepEqual(await states(name), wanted);
    await assertToldByEvents(site, name);
    assert.equal((await versionEvents(site, name)).length, 3);
  });

  test(`killed at ${place}, a disabling is ${made ? "" : "not "}made, and asking again makes it once`, async () => {
    const name = `disabled-${place.replace("catalog.", "")}`;
    const { workflow } = await call(survivor, (catalog) =>
      catalog.registerWorkflow({ content: textOf(name, "1.0.0") }),
    );
    const request = { workflowId: workflow?.workflowId ?? "", reason: "it misbehaves" };
    const disable = (catalog: Catalog) => catalog.disableWorkflow(request);
    await killedAt(place, disable);
    assert.deepEqual(await states(name), [made ? "1.0.0 disabled latest" : "1.0.0 active latest"]);
    await assertToldByEvents(site, name);
    const { correlationId } = await call(survivor, disable);
    assert.equal(correlationId === "", made, "what is made already is left alone");
    assert.deepEqual(await states(name), ["1.0.0 disabled latest"]);
    await assertToldByEvents(site, name);
    assert.equal((await versionEvents(site, name)).length, 2);
  });
}

test("killed while many change the same things, what was answered is there, and rows and events agree", async () => {
  const service = await start();
  const names = ["flood-a", "flood-b", "flood-c"];
  const answered: string[] = [];
  const enough = Promise.withResolvers<void>();
  const callers = names.flatMap((name) => [0, 1].map((parity) => [name, parity] as const));
  const calling = callers.map(([name, parity]) =>
    call(service, async (catalog) => {
      for (let minor = parity; ; minor += 2) {
        const content = textOf(name, `1.${minor}.0`);
        const { workflow } = await catalog.registerWorkflow({ content, allowDowngrade: true });
        answered.push(workflow?.workflowId ?? "");
        if (answered.length >= 60) enough.resolve();
      }
    }),
  );
  await Promise.race([enough.promise, Promise.all(calling)]);
  await service.kill();
  await Promise.allSettled(calling);
  const rows = (await Promise.all(names.map((name) => site.workflows(name)))).flat();
  const stored = new Set(rows.map(({ workflow_id }) => workflow_id));
  assert.deepEqual(
    answered.filter((id) => !stored.has(id)),
    [],
  );
  for (const name of names) {
    assert.equal(rows.filter((row) => row.workflow_name === name && row.status === "active").length, 1);
    await assertToldByEvents(site, name);
  }
});

test("all chains hold", async () => {
  assert.deepEqual(await site.faults(), []);
});
