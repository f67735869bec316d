import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import postgres from "postgres";
import { identityFor } from "../../src/embedded/identity.ts";
import { startPostgres } from "../../src/embedded/postgres.ts";
import { commandOf } from "../../src/embedded/process.ts";
import { gone, holdFolder, serverPid } from "./holder.ts";

const parent = mkdtempSync(join(tmpdir(), "datastorage-embedded-")); // mode 0700: nobody else may enter
after(() => rmSync(parent, { recursive: true, force: true }));
// Most tests use one folder, one after the other: each makes it when it comes first.
const dataDir = join(parent, "data");
const silent = { info() {}, warn() {} };
const hasProc = existsSync("/proc/self/status");
const isRoot = process.getuid?.() === 0;

async function query(url: string, text: string): Promise<postgres.RowList<postgres.Row[]>> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

test("what was committed is there after a restart, on another port if need be", async () => {
  const first = await startPostgres({ dataDir, log: silent, port: 0 });
  await query(first.url, "create table if not exists kept as select 42 as answer");
  await first.stop();

  const busy = createServer();
  busy.listen({ host: "127.0.0.1", port: 0 });
  await once(busy, "listening");
  const port = (busy.address() as { port: number }).port;
  const told: string[] = [];
  const log = { info() {}, warn: (_: object, message: string) => void told.push(message) };
  const second = await startPostgres({ dataDir, log, port });
  try {
    assert.deepEqual([...(await query(second.url, "select answer from kept"))], [{ answer: 42 }]);
    assert.match(told.join(), new RegExp(`port ${port} is busy, PostgreSQL takes \\d+`));
  } finally {
    await second.stop();
    busy.close();
  }
});

test("it is durable, on loopback alone, behind a password, and its owner is no superuser", async () => {
  const server = await startPostgres({ dataDir, log: silent, port: 0 });
  try {
    const rows = await query(server.adminUrl, "select name, setting from pg_settings");
    const settings = new Map(rows.map((row) => [row["name"], row["setting"]]));
    for (const name of ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"]) {
      assert.equal(settings.get(name), "on", name);
    }
    assert.equal(settings.get("listen_addresses"), "127.0.0.1");
    assert.equal(settings.get("unix_socket_directories"), "");
    assert.equal(settings.get("server_encoding"), "UTF8");
    const [role] = await query(server.url, "select rolsuper from pg_roles where rolname = current_user");
    assert.equal(role?.["rolsuper"], false);
    assert.equal(statSync(join(dataDir, "postgres.password")).mode & 0o777, 0o600);
    const withoutPassword = server.url.replace(/:[^:@]+@/, ":wrong@");
    await assert.rejects(query(withoutPassword, "select 1"), { code: "28P01" });
  } finally {
    await server.stop();
  }
});

test("a kill -9 of the process that started it takes PostgreSQL along, and loses nothing committed", async () => {
  const holder = await holdFolder(dataDir);
  await query(holder.url, "create table committed as select 1 as n");
  const pid = serverPid(dataDir);
  assert.ok(await commandOf(pid));
  await holder.kill("SIGKILL");
  await gone(pid);

  const again = await holdFolder(dataDir);
  assert.equal((await query(again.url, "select n from committed")).length, 1);
  await again.end();
});

test("a start ends a PostgreSQL that lost its leash too", { skip: hasProc ? false : "needs /proc" }, async () => {
  const holder = await holdFolder(dataDir);
  const orphan = serverPid(dataDir);
  const leash = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${orphan}/status`, "utf8"))?.[1]);
  const children = readFileSync(`/proc/${leash}/task/${leash}/children`, "utf8").trim().split(" ").map(Number);
  for (const pid of [...children, leash]) if (pid !== orphan) process.kill(pid, "SIGKILL");
  await holder.kill("SIGKILL");
  assert.ok(await commandOf(orphan), "PostgreSQL lives on");

  const again = await holdFolder(dataDir);
  assert.match(again.messages.join(), new RegExp(`earlier start \\(pid ${orphan}\\)`));
  await gone(orphan);
  await query(again.url, "select 1");
  await again.end();
});

test("a process id that now belongs to another program does not keep it from starting", async () => {
  const holder = await holdFolder(dataDir);
  const pid = serverPid(dataDir);
  const left = readFileSync(join(dataDir, "postgres/postmaster.pid"), "utf8");
  await holder.kill("SIGKILL");
  await gone(pid);
  const other = spawn("sleep", ["60"]);
  writeFileSync(join(dataDir, "postgres/postmaster.pid"), left.replace(/^\d+/, String(other.pid)));
  const server = await startPostgres({ dataDir, log: silent, port: 0 });
  await query(server.url, "select 1");
  await server.stop();
  other.kill();
});

test("a first start that was cut short does not spoil the next", async () => {
  const cut = join(parent, "cut");
  mkdirSync(join(cut, "postgres.unfinished", "base"), { recursive: true });
  writeFileSync(join(cut, "postgres.unfinished", "PG_VERSION"), "18\n");
  const server = await startPostgres({ dataDir: cut, log: silent, port: 0 });
  await query(server.url, "select 1");
  await server.stop();
});

test("root starts it as somebody who may enter the folders of root", {
  skip: isRoot ? false : "needs root",
}, async (t) => {
  const { prefix } = await identityFor(join(parent, "nothing"));
  const [program, ...args] = prefix;
  if (!program) return t.skip("this root may not pass its capabilities on");
  const file = join(parent, "private");
  writeFileSync(file, "");
  // `test -r` asks access(2), as initdb does, and not open(2) alone.
  const [code] = await once(spawn(program, [...args, "test", "-r", file]), "exit");
  assert.equal(code, 0);
});

test("an ordinary user can start it as well", { skip: isRoot ? false : "the other tests run as one" }, async (t) => {
  const { prefix, owner } = await identityFor(join(parent, "nothing"));
  if (prefix.length === 0 || !owner) return t.skip("this root may not pass its capabilities on");
  const theirs = mkdtempSync(join(tmpdir(), "datastorage-ordinary-"));
  after(() => rmSync(theirs, { recursive: true, force: true }));
  chownSync(theirs, owner.uid, owner.gid);
  const holder = await holdFolder(theirs, [], prefix);
  assert.equal(holder.uid, owner.uid);
  assert.equal(statSync(join(theirs, "postgres")).uid, owner.uid);
  await query(holder.url, "select 1");
  await holder.end();

  // Root starts it on the same folder, and the ordinary user again.
  const server = await startPostgres({ dataDir: theirs, log: silent, port: 0 });
  await query(server.url, "select 1");
  await server.stop();
  await (await holdFolder(theirs, [], prefix)).end();
});
