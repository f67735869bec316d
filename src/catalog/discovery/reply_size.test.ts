import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { ReplySize } from "./reply_size.ts";

test("settings that grow the most on the wire keep a page under 4 MiB", () => {
  const settings = { list: new Array(32_000).fill(1) };
  const bytes = toBinary(StructSchema, fromJson(StructSchema, settings)).length;
  const size = new ReplySize();
  let items = 0;
  while (size.fits({}, settings)) items++;
  assert.ok(items > 1);
  assert.ok(items * bytes < 4 * 1024 * 1024, `${items} items of ${bytes} bytes`);
});
