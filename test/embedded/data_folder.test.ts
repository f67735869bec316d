import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DataFolderInUse, takeDataFolder } from "../../src/embedded/data_folder.ts";
import { commandOf } from "../../src/embedded/process.ts";
import { gone, holdFolder, serverPid } from "./holder.ts";

const silent = { info() {}, warn() {} };
const parent = mkdtempSync(join(tmpdir(), "datastorage-folder-"));
after(() => rmSync(parent, { recursive: true, force: true }));

test("a second start is told who runs and where, until that one is gone, however it went", async () => {
  const dataDir = join(parent, "busy");
  const holder = await holdFolder(dataDir);
  assert.throws(
    () => takeDataFolder(dataDir),
    (error: unknown) => {
      assert.ok(error instanceof DataFolderInUse);
      assert.deepEqual(error.holder, { pid: holder.pid, address: "127.0.0.1:18080" });
      assert.match(error.message, new RegExp(`process ${holder.pid}, which serves on 127\\.0\\.0\\.1:18080`));
      return true;
    },
  );
  const server = serverPid(dataDir);
  await holder.kill("SIGKILL");
  takeDataFolder(dataDir).release();
  await gone(server);
});

test("of two in one process the second is refused, and after a release it is not", () => {
  const dataDir = join(parent, "twice");
  const first = takeDataFolder(dataDir);
  assert.throws(() => takeDataFolder(dataDir), DataFolderInUse);
  first.release();
  takeDataFolder(dataDir).release();
});

test("emptying removes the data, waits for a server that still ends, and keeps downloaded programs", async () => {
  const dataDir = join(parent, "fresh");
  const holder = await holdFolder(dataDir);
  mkdirSync(join(dataDir, "programs"));
  const server = serverPid(dataDir);
  await holder.kill("SIGKILL");
  const folder = takeDataFolder(dataDir);
  await folder.empty(silent);
  assert.equal(await commandOf(server), undefined);
  assert.equal(existsSync(join(folder.path, "postgres")), false);
  assert.equal(existsSync(join(folder.path, "postgres.password")), false);
  assert.equal(existsSync(join(folder.path, "programs")), true);
  assert.throws(() => takeDataFolder(folder.path), DataFolderInUse);
  folder.release();
});

test("a folder with other people's files is never emptied", async () => {
  const dataDir = join(parent, "foreign");
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, "thesis.txt"), "all of it");
  const folder = takeDataFolder(dataDir);
  await assert.rejects(folder.empty(silent), /not made by datastorage/);
  assert.equal(existsSync(join(dataDir, "thesis.txt")), true);
  folder.release();
  // A start without emptying must not make the folder ours for the next one.
  const again = takeDataFolder(dataDir);
  await assert.rejects(again.empty(silent), /not made by datastorage/);
  again.release();
});
