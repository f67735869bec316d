import assert from "node:assert/strict";
import { test } from "node:test";
import { HeadCache } from "./head_cache.ts";

test("the heads written last are kept, those not written for longest go", () => {
  const cache = new HeadCache(2);
  const head = (position: number) => ({ position, hash: String(position) });
  cache.remember(
    new Map([
      ["a", head(1)],
      ["b", head(1)],
    ]),
  );
  cache.remember(new Map([["a", head(2)]]));
  cache.remember(new Map([["c", head(1)]]));
  assert.deepEqual([cache.get("a"), cache.get("b"), cache.get("c")], [head(2), undefined, head(1)]);
  cache.forget(["a", "never seen"]);
  assert.equal(cache.get("a"), undefined);
});
