// Any sequence of changes, against a plain model of the catalog.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as fc from "fast-check";
import type { LifecycleAct } from "../../src/catalog/change/changes.ts";
import { fuzzSeed } from "../support/fuzz.ts";
import { CatalogModel, type ModelOutcome, type ModelVersion } from "./catalog_model.ts";
import { openChangesSite, outcomeOf } from "./changes_site.ts";
import { actionTypeContent, workflowContent } from "./contents.ts";

const site = await openChangesSite({ after });
const { changes } = site;

const KINDS = ["A", "B", "C"] as const;
const VERSIONS = ["1.2.0", "1.10.0-rc.1", "1.10.0", "1.10.0+build.2"] as const;

/** `usual` most of the time, so that the same thing comes again. */
function mostly<T>(usual: T, other: T, weight: number): fc.Arbitrary<T> {
  return fc.oneof({ arbitrary: fc.constant(usual), weight }, { arbitrary: fc.constant(other), weight: 1 });
}

const kind = fc.constantFrom<(typeof KINDS)[number]>("A", "A", "A", "A", "A", "A", "B", "B", "C");
const what = mostly("one", "other", 7);
const etag = fc.oneof(
  { arbitrary: fc.constantFrom("none" as const, "right" as const), weight: 9 },
  { arbitrary: fc.constant("wrong" as const), weight: 1 },
);
const act = fc.constantFrom<LifecycleAct>("disable", "disable", "disable", "enable", "enable", "deprecate", "archive");

const COMMAND = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("registerActionType" as const), kind, what, etag }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("updateActionType" as const), kind, what, etag }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("disableActionType" as const), kind, etag }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("register" as const),
      name: mostly("x", "y", 3),
      version: fc.constantFrom(...VERSIONS),
      kind,
      what,
      etag,
      allowDowngrade: fc.boolean(),
    }),
  },
  // `which` of the versions that are there, counted round.
  { weight: 8, arbitrary: fc.record({ do: fc.constant("act" as const), which: fc.nat(97), act, etag }) },
);
type Command = typeof COMMAND extends fc.Arbitrary<infer C> ? C : never;

/** One run: a model, and names in the database that no other run has. */
class Run {
  readonly model = new CatalogModel();
  readonly #suffix: number;

  constructor(number: number) {
    this.#suffix = number;
  }

  /** Carries a command out in both, and compares what they say and what they hold. */
  async step(command: Command): Promise<string> {
    const events = site.recorded.length;
    const actual = await outcomeOf(this.#send(command, await this.#revision(command)));
    const told = this.#etagRefuses(command) ?? this.#apply(command);
    const said = actual.reason ?? (actual.value as { result?: string }).result ?? "done";
    assert.equal(said, told.outcome);
    assert.equal(site.recorded.length - events, told.events);
    assert.deepEqual(await this.#state(), this.#modelState());
    return said;
  }

  #kind(name: string): string {
    return `Run${this.#suffix}${name}`;
  }

  #workflow(name: string): string {
    return `run-${this.#suffix}-${name}`;
  }

  /** The version that a command is about; undefined where there is none yet. */
  #row({ which }: { which: number }): ModelVersion | undefined {
    return this.model.versions[which % this.model.versions.length];
  }

  /** The revision of the row that a right etag is meant for; undefined where there is none. */
  async #revision(command: Command): Promise<string | undefined> {
    if (command.etag !== "right") return undefined;
    if (command.do !== "register" && command.do !== "act") {
      return (await site.actionType(this.#kind(command.kind)))?.revision;
    }
    const row = command.do === "act" ? this.#row(command) : this.model.current(this.#workflow(command.name));
    if (row === undefined) return undefined;
    return (await site.workflows(row.name)).find(({ version }) => version === row.version)?.revision;
  }

  /** A wrong etag is refused before anything else, save that what is to be changed must exist. */
  #etagRefuses(command: Command): ModelOutcome | undefined {
    if (command.etag !== "wrong") return undefined;
    const registers = command.do === "register" || command.do === "registerActionType";
    const exists = command.do === "act" ? this.#row(command) : this.model.actionTypes.has(this.#kind(command.kind));
    return registers || exists ? { outcome: "ETAG_MISMATCH", events: 0 } : undefined;
  }

  #send(command: Command, revision: string | undefined): Promise<unknown> {
    const tag = { none: "", right: revision ?? "", wrong: "no such" }[command.etag];
    const options = { by: "alice", etag: tag, reason: "a test", validateOnly: false };
    switch (command.do) {
      case "registerActionType":
        return changes.registerActionType(actionTypeContent(this.#kind(command.kind), command.what), options);
      case "updateActionType": {
        const { description } = actionTypeContent("", command.what);
        return changes.updateActionType(this.#kind(command.kind), description, options);
      }
      case "disableActionType":
        return changes.disableActionType(this.#kind(command.kind), options);
      case "register":
        return changes.registerWorkflow(this.#content(command), { ...options, allowDowngrade: command.allowDowngrade });
      case "act":
        return changes.changeWorkflow(command.act, this.#id(command), options);
    }
  }

  #content({ name, version, kind, what }: { name: string; version: string; kind: string; what: string }) {
    return workflowContent({ name: this.#workflow(name), version, actionType: this.#kind(kind), what });
  }

  #id(command: { which: number }): string {
    const row = this.#row(command);
    if (row === undefined) return "00000000-0000-5000-8000-000000000000";
    return workflowContent(row).workflowId;
  }

  #apply(command: Command): ModelOutcome {
    switch (command.do) {
      case "registerActionType":
        return this.model.registerActionType(this.#kind(command.kind), command.what);
      case "updateActionType":
        return this.model.updateActionType(this.#kind(command.kind), command.what);
      case "disableActionType":
        return this.model.disableActionType(this.#kind(command.kind));
      case "register": {
        const { version, what, allowDowngrade } = command;
        const actionType = this.#kind(command.kind);
        return this.model.register({ name: this.#workflow(command.name), version, what, actionType }, allowDowngrade);
      }
      case "act":
        return this.model.act(command.act, this.#row(command));
    }
  }

  async #state(): Promise<unknown> {
    const rows = [...(await site.workflows(this.#workflow("x"))), ...(await site.workflows(this.#workflow("y")))];
    const kinds = await Promise.all(KINDS.map((name) => site.actionType(this.#kind(name))));
    return {
      versions: rows.map((row) => [row.workflow_id, row.version, row.status, row.is_latest_version]).sort(),
      actionTypes: kinds.map((row) => row && [row.action_type, row.status, row.description.what]),
    };
  }

  #modelState(): unknown {
    return {
      versions: this.model.versions
        .map((row) => [workflowContent(row).workflowId, row.version, row.status, row.latest])
        .sort(),
      actionTypes: KINDS.map((name) => {
        const row = this.model.actionTypes.get(this.#kind(name));
        return row && [this.#kind(name), row.status, row.what];
      }),
    };
  }
}

test("whatever is done in whatever order, the catalog says and holds what the model does", async () => {
  let runs = 0;
  const seen = new Set<string>();
  const property = fc.asyncProperty(
    fc.array(COMMAND, { minLength: 20, maxLength: 60, size: "max" }),
    async (commands) => {
      const run = new Run(runs++);
      // Else most runs would only be told that there is no such action type.
      for (const kind of ["A", "B"] as const) {
        await run.step({ do: "registerActionType", kind, what: "one", etag: "none" });
      }
      for (const command of commands) seen.add(`${command.do} ${await run.step(command)}`);
    },
  );
  await fc.assert(property, { seed: fuzzSeed(), numRuns: 30 });
  // That the runs have been around; the rare outcomes are told of beside the rules.
  for (const wanted of [
    ...["created", "unchanged", "superseded_previous"].map((result) => `register ${result}`),
    ...["act done", "act TRANSITION_NOT_ALLOWED", "disableActionType done", "disableActionType ACTION_TYPE_IN_USE"],
  ]) {
    assert.ok(seen.has(wanted), wanted);
  }
  assert.deepEqual(await site.faults(), []);
});
