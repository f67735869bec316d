import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readLines } from "./lines.ts";

async function lines(chunks: readonly (string | Uint8Array)[], limit = 1000) {
  const source = (async function* () {
    for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  })();
  const all = [];
  for await (const group of readLines("f", source, limit)) all.push(...group);
  return all.map(({ number, bytes }) => `${number}:${bytes === undefined ? "too long" : Buffer.from(bytes)}`);
}

test("lines end with LF or CR LF, the last one also with nothing; a byte order mark is passed over", async () => {
  assert.deepEqual(await lines(["\ufeffa\r\n\nb\n", "c"]), ["1:a", "2:", "3:b", "4:c"]);
  assert.deepEqual(await lines(["a\n"]), ["1:a"]);
  assert.deepEqual(await lines([]), []);
});

test("a line over the limit is passed over and counted; those after it are read", async () => {
  assert.deepEqual(await lines(["ab", "cd", "ef\nok\n", "x".repeat(100), "\nok"], 5), [
    "1:too long",
    "2:ok",
    "3:too long",
    "4:ok",
  ]);
});

test("where chunks end makes no difference", async () => {
  const text = Buffer.from("é\n結帳 x\n\n{}\r\nlast");
  const whole = await lines([text]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(text.length)), async (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const chunks = places.slice(1).map((end, index) => text.subarray(places[index], end));
      assert.deepEqual(await lines(chunks), whole);
    }),
    { numRuns: 50 },
  );
});
