import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, pad, printable, width, wrap } from "./text.ts";

test("width counts columns: wide characters two, marks and colour codes none", () => {
  assert.equal(width("checkout"), 8);
  assert.equal(width("結帳"), 4);
  assert.equal(width("e\u0301"), 1);
  assert.equal(width("\u001b[31mred\u001b[39m"), 3);
  assert.equal(width("⚠️ 👩‍🔧"), 5);
});

test("cut keeps to the columns and never splits a character", () => {
  assert.equal(cut("gateway.signal.received", 10), "gateway.s…");
  assert.equal(cut("結帳服務", 4), "結…");
  assert.equal(cut("short", 5), "short");
  assert.equal(cut("anything", 0), "");
});

test("pad fills by columns", () => {
  assert.equal(pad("結", 4), "結  ");
  assert.equal(pad("7ms", 5, "right"), "  7ms");
});

test("wrap breaks between words, and within a word only where it must", () => {
  assert.deepEqual(wrap("over its memory limit of 512Mi", 12), ["over its", "memory limit", "of 512Mi"]);
  assert.deepEqual(wrap("sha256:0123456789", 8), ["sha256:0", "12345678", "9"]);
  assert.deepEqual(wrap("", 8), [""]);
});

test("what an event says cannot move the cursor, change colours or turn the direction of text", () => {
  assert.equal(printable("a\u001b[2Jb\rc\nd\u0007"), "a�[2Jb c d�");
  assert.equal(printable("ok \u202egnp.exe"), "ok �gnp.exe");
  assert.equal(printable("naïve 結帳"), "naïve 結帳");
});
