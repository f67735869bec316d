import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTION_TYPES, COMPONENTS, type WorkflowInsert, workflowRow } from "./catalog_rows.ts";
import { Draw } from "./draw.ts";

const ROWS = Array.from({ length: 4000 }, (_, index) => workflowRow(index, ACTION_TYPES.length));
const share = (fits: (row: WorkflowInsert) => boolean) => ROWS.filter(fits).length / ROWS.length;
const isEmpty = (labels: object) => Object.keys(labels).length === 0;

test("a row is the same for the same index, and no two have a name or an id in common", () => {
  for (const index of [0, 1, 3999]) assert.deepEqual(workflowRow(index, ACTION_TYPES.length), ROWS[index]);
  assert.equal(new Set(ROWS.map(({ workflow_name }) => workflow_name)).size, ROWS.length);
  assert.equal(new Set(ROWS.map(({ workflow_id }) => workflow_id)).size, ROWS.length);
});

test("all action types and components are there, the first ones most often", () => {
  assert.equal(ACTION_TYPES.length, 40);
  assert.deepEqual(new Set(ROWS.map(({ action_type }) => action_type)), new Set(ACTION_TYPES));
  const tokens = new Set(ROWS.flatMap(({ labels }) => labels.component));
  for (const component of COMPONENTS) assert.ok(tokens.has(component.toLowerCase()), component);
  assert.ok(share(({ action_type }) => action_type === ACTION_TYPES[0]) > 0.2);
  assert.ok(share(({ labels }) => labels.component.includes("deployment")) > 0.25);
  assert.ok(share(({ labels }) => labels.component.includes("postgresql.cnpg.io/v1/cluster")) < 0.02);
});

test("labels have the proportions of a large installation", () => {
  const around = (measured: number, meant: number) => assert.ok(Math.abs(measured - meant) < 0.03, `${measured}`);
  around(
    share(({ labels }) => labels.environment.join() === "production,staging"),
    0.55,
  );
  around(
    share(({ detected_labels }) => !isEmpty(detected_labels)),
    1 / 3,
  );
  around(
    share(({ custom_labels }) => !isEmpty(custom_labels)),
    1 / 5,
  );
});

test("what is drawn lies between 0 and 1, evenly", () => {
  const draw = new Draw(7);
  const drawn = Array.from({ length: 10_000 }, () => draw.next());
  assert.ok(drawn.every((number) => number >= 0 && number < 1));
  for (let tenth = 0; tenth < 10; tenth++) {
    const count = drawn.filter((number) => Math.floor(number * 10) === tenth).length;
    assert.ok(Math.abs(count - 1000) < 150, `${count} in tenth ${tenth}`);
  }
});
