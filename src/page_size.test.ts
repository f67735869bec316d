import assert from "node:assert/strict";
import { test } from "node:test";
import { PageSize } from "./page_size.ts";

const MIB = 1024 * 1024;
const item = (bound: number, bytes = bound) => ({ bound, measure: () => bytes });

test("items fit up to 3.75 MiB", () => {
  const size = new PageSize();
  assert.ok(size.fits(item(3 * MIB)));
  assert.ok(!size.fits(item(MIB)));
  assert.ok(size.fits(item(0.75 * MIB)));
  assert.ok(!size.fits(item(1)));
});

test("the first item fits, however large it is", () => {
  const size = new PageSize();
  assert.ok(size.fits(item(5 * MIB)));
  assert.ok(!size.fits(item(1)));
});

test("items are measured, each once, where their bounds are too much", () => {
  const size = new PageSize();
  let measured = 0;
  const measure = () => {
    measured++;
    return MIB / 2;
  };
  let count = 0;
  while (size.fits({ bound: MIB, measure })) count++;
  assert.equal(count, 7);
  assert.equal(measured, 8);
});
