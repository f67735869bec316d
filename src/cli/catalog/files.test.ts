import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findFiles, readText } from "./files.ts";

const folder = mkdtempSync(join(tmpdir(), "datastorage-files-"));
after(() => rmSync(folder, { recursive: true }));
const path = (...names: string[]) => join(folder, ...names);
mkdirSync(path("objects", "b", ".hidden"), { recursive: true });
mkdirSync(path("empty"));
for (const name of [
  "objects/c.yml",
  "objects/B.json",
  "objects/b/a.yaml",
  "objects/README.md",
  "objects/b/.hidden/x.yaml",
])
  writeFileSync(path(name), "kind: ActionType\n");
symlinkSync(path("objects"), path("objects", "b", "round.yaml"));
symlinkSync(path("objects", "c.yml"), path("objects", "link.yaml"));
symlinkSync(path("objects"), path("linked"));

const names = async (...given: string[]) =>
  (await findFiles(given)).map(({ name, named }) => `${name.replace(`${folder}/`, "")}${named ? " (named)" : ""}`);

test("of a folder, what looks like an object at any depth, by path; files as they are named", async () => {
  const inFolder = ["objects/B.json", "objects/b/a.yaml", "objects/c.yml", "objects/link.yaml"];
  assert.deepEqual(await names(path("objects")), inFolder);
  assert.deepEqual(await names(path("objects", "README.md"), "-", path("objects")), [
    "objects/README.md (named)",
    "- (named)",
    ...inFolder,
  ]);
  assert.equal((await names(path("linked"))).length, inFolder.length);
});

test("what is not there is told before anything is sent", async () => {
  await assert.rejects(findFiles([]), /FILE is missing; `-` reads standard input/);
  await assert.rejects(findFiles(["-", "-"]), /`-` can be given once/);
  await assert.rejects(findFiles([path("none.yaml")]), /none\.yaml cannot be read \(ENOENT\)/);
  await assert.rejects(findFiles([path("empty")]), /empty holds no \.yaml, \.yml or \.json file/);
});

test("a file is read whole, or it is said why not", async () => {
  const read = (name: string) => readText({ name, named: true }, nothing());
  writeFileSync(path("bom.yaml"), "\ufeffkind: X\n");
  assert.deepEqual(await read(path("bom.yaml")), { text: "kind: X\n" });
  writeFileSync(path("latin.yaml"), Buffer.from([0x6b, 0xe4]));
  assert.deepEqual(await read(path("latin.yaml")), { problem: "is no UTF-8 text" });
  assert.deepEqual(await read(path("gone.yaml")), { problem: "cannot be read (ENOENT)" });
  assert.deepEqual(await readText({ name: "-", named: true }, chunks("kind: é")), { text: "kind: é" });
});

test("a standard input without an end is not read for ever", async () => {
  const megabyte = new Uint8Array(1024 * 1024);
  let read = 0;
  async function* endless() {
    for (;;) {
      read += 1;
      yield megabyte;
    }
  }
  assert.deepEqual(await readText({ name: "-", named: true }, endless()), { problem: "is larger than 64 MiB" });
  assert.equal(read, 65);
});

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  for (const byte of Buffer.from(text)) yield Uint8Array.of(byte);
}
