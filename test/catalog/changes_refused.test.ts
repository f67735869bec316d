// A change whose event cannot be recorded is not made.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { CatalogChanges } from "../../src/catalog/change/changes.ts";
import { Database } from "../../src/postgres/database.ts";
import { openChangesSite, outcomeOf } from "./changes_site.ts";
import { actionTypeContent, workflowContent } from "./contents.ts";

// Short: one test waits until a statement is given up.
const site = await openChangesSite({ after }, 400);
const { changes, admin } = site;
const REGISTER = { by: "alice", etag: "", validateOnly: false, allowDowngrade: false };
const WHY = { ...REGISTER, reason: "a test" };
const content = (name: string, version: string) => workflowContent({ name, version, actionType: "Restart" });
await changes.registerActionType(actionTypeContent("Restart"), REGISTER);
await changes.registerActionType(actionTypeContent("Unused"), REGISTER);
await changes.registerActionType(actionTypeContent("Idle"), REGISTER);
await changes.disableActionType("Idle", WHY);
const active = await changes.registerWorkflow(content("shop", "1.0.0"), REGISTER);
const idle = await changes.registerWorkflow(content("idle", "1.0.0"), REGISTER);
await changes.changeWorkflow("disable", idle.row.workflow_id, WHY);

/** Every kind of change, each with an event or two; the last is one that is denied, which is an event as well. */
const CHANGES: Readonly<Record<string, (by: CatalogChanges) => Promise<unknown>>> = {
  "registerActionType, new": (by) => by.registerActionType(actionTypeContent("Fresh"), REGISTER),
  "registerActionType, other": (by) => by.registerActionType(actionTypeContent("Restart", "other"), REGISTER),
  "registerActionType, disabled": (by) => by.registerActionType(actionTypeContent("Idle"), REGISTER),
  updateActionType: (by) => by.updateActionType("Restart", actionTypeContent("", "other").description, REGISTER),
  disableActionType: (by) => by.disableActionType("Unused", WHY),
  "registerWorkflow, new": (by) => by.registerWorkflow(content("fresh", "1.0.0"), REGISTER),
  "registerWorkflow, next": (by) => by.registerWorkflow(content("shop", "2.0.0"), REGISTER),
  "registerWorkflow, disabled": (by) => by.registerWorkflow(content("idle", "1.0.0"), REGISTER),
  disable: (by) => by.changeWorkflow("disable", active.row.workflow_id, WHY),
  enable: (by) => by.changeWorkflow("enable", idle.row.workflow_id, WHY),
  deprecate: (by) => by.changeWorkflow("deprecate", active.row.workflow_id, WHY),
  archive: (by) => by.changeWorkflow("archive", idle.row.workflow_id, WHY),
  "disableActionType, denied": (by) => by.disableActionType("Restart", WHY),
};

/** Tries every kind of change, and sees each of them refused with nothing changed. */
async function refusesAll(reason: string, kind: string, by = changes, only = Object.keys(CHANGES)): Promise<string[]> {
  const before = [await site.counts(), await site.workflows()];
  const messages: string[] = [];
  for (const name of only) {
    const { fault } = await outcomeOf(CHANGES[name]?.(by) as Promise<unknown>);
    assert.deepEqual([fault?.details.reason, fault?.kind], [reason, kind], name);
    if (kind === "unavailable") assert.ok((fault?.details.retryAfterMs ?? 0) > 0, name);
    messages.push(fault?.message ?? "");
  }
  assert.deepEqual([await site.counts(), await site.workflows()], before);
  return messages;
}

test("a constraint that refuses the events refuses the change, and is named", async () => {
  await admin.unsafe(`
    ALTER TABLE audit_events ADD CONSTRAINT no_datastorage CHECK (event_type NOT LIKE 'datastorage.%') NOT VALID`);
  const messages = await refusesAll("DATABASE_REFUSES", "precondition");
  await admin.unsafe("ALTER TABLE audit_events DROP CONSTRAINT no_datastorage");
  for (const message of messages) assert.match(message, /SQLSTATE 23514, constraint no_datastorage/);
  assert.deepEqual(site.defects, []);
});

test("a trigger of the operator's that refuses one of a change's events refuses all of it", async () => {
  await admin.unsafe(`
    CREATE FUNCTION no_superseding() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
    CREATE TRIGGER no_superseding BEFORE INSERT ON audit_events FOR EACH ROW
      WHEN (NEW.event_data ->> 'to_status' = 'superseded') EXECUTE FUNCTION no_superseding()`);
  await refusesAll("DATABASE_REFUSES", "precondition", changes, ["registerWorkflow, next"]);
  await admin.unsafe("DROP FUNCTION no_superseding CASCADE");
});

test("a key of the log that is taken is no state of the catalog that could change", async () => {
  await admin.unsafe(`
    CREATE FUNCTION taken() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'taken' USING ERRCODE = 'unique_violation', TABLE = 'audit_chain_heads'; END $$;
    CREATE TRIGGER taken BEFORE INSERT ON audit_chain_heads FOR EACH ROW EXECUTE FUNCTION taken()`);
  const told = site.defects.length;
  await refusesAll("DATABASE_UNAVAILABLE", "unavailable", changes, ["registerActionType, new"]);
  await admin.unsafe("DROP FUNCTION taken CASCADE");
  assert.equal(site.defects.splice(told).length, 1);
});

test("a race that the database reports is lost only once", async () => {
  await admin.unsafe(`
    CREATE SEQUENCE races;
    CREATE FUNCTION lose_races() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN
        IF nextval('races') <= 4 THEN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END IF;
        RETURN NEW;
      END $$;
    ALTER FUNCTION lose_races() SECURITY DEFINER;
    CREATE TRIGGER lose_races BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION lose_races()`);
  const made = await changes.registerActionType(actionTypeContent("Racing"), REGISTER);
  assert.deepEqual([made.result, (await site.events(made.correlationId)).length], ["created", 1]);
  await admin.unsafe("DROP FUNCTION lose_races CASCADE");
});

test("a table of the log that is missing refuses every change, and an operator is told", async () => {
  await admin.unsafe("ALTER TABLE audit_event_ids RENAME TO audit_event_ids_away");
  const before = await site.workflows();
  for (const [name, change] of Object.entries(CHANGES)) {
    const { fault } = await outcomeOf(change(changes));
    assert.equal(fault?.kind, "unavailable", name);
  }
  assert.deepEqual(await site.workflows(), before);
  await admin.unsafe("ALTER TABLE audit_event_ids_away RENAME TO audit_event_ids");
  assert.equal(site.defects.length, Object.keys(CHANGES).length);
});

test("a log that is locked is waited for as long as a statement may take", async () => {
  const locked = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const lock = admin.begin(async (sql) => {
    await sql.unsafe("LOCK TABLE audit_chain_heads IN ACCESS EXCLUSIVE MODE");
    locked.resolve();
    await done.promise;
  });
  await locked.promise;
  const before = await site.workflows();
  const refused = ["registerActionType, new", "registerWorkflow, next", "disable"].map(async (name) => {
    const { fault } = await outcomeOf(CHANGES[name]?.(changes) as Promise<unknown>);
    assert.deepEqual([fault?.details.reason, fault?.kind], ["DATABASE_UNAVAILABLE", "unavailable"], name);
  });
  await Promise.all(refused);
  assert.deepEqual(await site.workflows(), before);
  assert.equal(await site.actionType("Fresh"), undefined);
  done.resolve();
  await lock;
});

test("with the database away every change is unavailable: none waits in a queue", async () => {
  const options = { connections: 2, applicationName: "test", statementTimeoutMs: 400 };
  const nowhere = new Database({ ...options, url: "postgres://datastorage@127.0.0.1:1/datastorage" });
  const away = new CatalogChanges({ database: nowhere, ensureMonths: async () => {} });
  await refusesAll("DATABASE_UNAVAILABLE", "unavailable", away);
  await nowhere.end();
});

test("where the month's partition cannot be made for want of the database, the change is unavailable", async () => {
  const lost = Object.assign(new Error("lost"), { code: "ECONNRESET" });
  const pool = new Database({
    url: site.database.url,
    connections: 1,
    applicationName: "test",
    statementTimeoutMs: 400,
  });
  const ensureMonths = () => Promise.reject(lost);
  await refusesAll("DATABASE_UNAVAILABLE", "unavailable", new CatalogChanges({ database: pool, ensureMonths }));
  await pool.end();
});

test("once nothing stands in their way the same changes are made", async () => {
  const made = ["registerActionType, new", "registerWorkflow, next", "registerWorkflow, disabled"];
  for (const name of made) await CHANGES[name]?.(changes);
  assert.deepEqual(await site.faults(), []);
});
