// What a user of `datastorage log` sees.
import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { takeDataFolder } from "../../src/embedded/data_folder.ts";
import { parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import { noteText, parseNote, parseVerifierKey, verifyNote } from "../../src/integrity/note/signed_note.ts";
import { readLogKeys } from "../../src/integrity/sealing/log_keys.ts";
import { logSigners, signCheckpoint, usedKeys } from "../../src/integrity/sealing/log_signers.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startService, type TestService } from "../support/service.ts";
import { datastorage, eventLine, type Folder, temporaryFolder } from "./datastorage.ts";

const ORIGIN = "audit.example.com/first";
let folder: Folder;
let database: TestDatabase;
let keyFile: string;
before(async () => {
  folder = temporaryFolder();
  keyFile = folder.write("key.pem", [newPrivateKey()]);
  database = await createDatabase("cli_log");
});
const services: TestService[] = [];
async function start(env: Readonly<Record<string, string>>): Promise<TestService> {
  const service = await startService(env);
  services.push(service);
  return service;
}
after(async () => {
  for (const service of services) await service.kill();
  await database?.drop();
  folder?.remove();
});
const dataDir = () => join(keyFile, "..", "data");
const settings = () => ({
  DATABASE_URL: database.url,
  DATASTORAGE_DATA_DIR: dataDir(),
  DATASTORAGE_LOG_KEY_FILE: keyFile,
  DATASTORAGE_MONTHS_AHEAD: "1",
});

test("log keygen: a key on standard output, or in a new file of its owner, and the keys that auditors are given", async () => {
  const { code, stdout, stderr } = await datastorage(["log", "keygen"]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^-----BEGIN PRIVATE KEY-----\n.*\n-----END PRIVATE KEY-----\n$/s);

  const file = join(keyFile, "..", "made.pem");
  const args = ["log", "keygen", "--output", file, "--origin", ORIGIN];
  const made = await datastorage(args);
  assert.equal(made.code, 0);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const keys = readLogKeys({ logKey: undefined, logKeyFile: file, dataDir: "", embedded: false });
  assert.ok(keys);
  const lines = usedKeys(logSigners(keys, ORIGIN)).map(
    ({ verifierKey, purpose }) => `${purpose.padEnd(9)}${verifierKey}\n`,
  );
  assert.equal(made.stdout, `wrote ${file}\n${lines.join("")}`);

  const text = readFileSync(file, "utf8");
  const again = await datastorage(args);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /--output .*made\.pem is there already, and a key is never overwritten/);
  assert.equal(readFileSync(file, "utf8"), text);
  assert.match(
    (await datastorage(["log", "keygen", "--output", "/none/key.pem"])).stderr,
    /cannot be written \(ENOENT\)/,
  );
  assert.equal((await datastorage(["log", "keygen", "--origin", "two words"])).code, 2);
  const json = JSON.parse((await datastorage(["log", "keygen", "--json", "--origin", ORIGIN])).stdout);
  assert.match(json.private_key, /PRIVATE KEY/);
  assert.deepEqual(
    json.verifier_keys.map(({ purpose }: JsonObject) => purpose),
    ["log", "cosigner", "export"],
  );
});

async function untilCovered(service: TestService, size: number): Promise<JsonObject> {
  for (;;) {
    const args = ["log", "status", "--json", "--address", service.address];
    const { code, stdout } = await datastorage(args);
    const answer = code === 0 ? JSON.parse(stdout) : {};
    if (Number(answer.tree_size) >= size) return answer;
    await delay(20);
  }
}

test("log status and log new-origin: how the log stands, and how it goes on after a backup was restored", async () => {
  const service = await start({ ...settings(), DATASTORAGE_LOG_ORIGIN: ORIGIN });
  const events = folder.write("events.jsonl", [eventLine("rr-log", 1), eventLine("rr-log", 2)]);
  assert.equal((await datastorage(["record", events, "--address", service.address])).code, 0);
  // That the origin was opened is an event as well.
  const answer = await untilCovered(service, 3);
  assert.equal(answer["origin"], ORIGIN);
  const keys = (answer["verifier_keys"] as JsonObject[]).map((key) => parseVerifierKey(String(key["verifier_key"])));
  const note = parseNote(String(answer["checkpoint"]));
  assert.equal(verifyNote(note, keys).length, 2);
  const { stdout } = await datastorage(["log", "status", "--address", service.address]);
  assert.match(
    stdout,
    /^Origin {5}audit\.example\.com\/first\nSize {7}3 entries\nCovered {4}3 entries by the published checkpoint\n/,
  );
  assert.match(stdout, /\nPending {4}0 events without a place in the log yet\nRoot {7}\S{44}\nPublished {2}20\S+Z\n/);
  assert.match(stdout, /\nSigned by {2}audit\.example\.com\/first, audit\.example\.com\/first\/cosigner\n/);
  for (const { verifierKey } of keys) assert.ok(stdout.includes(verifierKey));
  const listed = await datastorage([
    "list",
    "--event-types",
    "datastorage.log.origin_opened",
    "--json",
    "--address",
    service.address,
  ]);
  const opened = JSON.parse(listed.stdout.split("\n")[0] ?? "");
  assert.match(opened.correlation_id, /^log-[0-9a-f-]{36}$/);
  assert.equal(opened.resource_id, ORIGIN);
  assert.equal(await service.stop(), 0);

  // As if the database were older than what is kept.
  const signers = logSigners(
    readLogKeys({ logKey: undefined, logKeyFile: keyFile, dataDir: "", embedded: false }) ?? assert.fail(),
    ORIGIN,
  );
  const ahead = signCheckpoint(signers, { ...parseCheckpoint(note.text), size: 1000 });
  writeFileSync(join(dataDir(), "log", "checkpoint"), noteText(ahead));
  const stopped = await start(settings());
  while (!stopped.stderr.some((line) => line.includes("datastorage log new-origin"))) await delay(10);
  const late = folder.write("late.jsonl", [eventLine("rr-log", 3)]);
  assert.equal(
    (await datastorage(["record", late, "--address", stopped.address])).code,
    0,
    "events go on being recorded",
  );
  const before = await untilCovered(stopped, 3);
  assert.deepEqual([before["tree_size"], before["pending_events"]], ["3", "1"]);

  const change = await datastorage(["log", "new-origin", "audit.example.com/second", "--reason", "restored"], {
    env: settings(),
  });
  assert.equal(change.code, 0, change.stderr);
  const lines = change.stdout.split("\n");
  assert.equal(lines[0], "opened audit.example.com/second: the log is signed under it from now on");
  assert.match(lines[1] ?? "", /^it follows the checkpoint of audit\.example\.com\/first, size 3, root /);
  assert.match(
    lines[2] ?? "",
    /^it names what it contradicts: the database holds 3 entries, fewer than the checkpoint kept in /,
  );
  const after = await untilCovered(stopped, 5);
  assert.equal(after["origin"], "audit.example.com/second");
  assert.equal(await stopped.stop(), 0);
});

test("log new-origin: names that are used or none, and a database that is not there", async () => {
  const env = settings();
  const used = await datastorage(["log", "new-origin", "audit.example.com/second"], { env });
  assert.equal(used.code, 3);
  assert.match(used.stdout, /was used before: no origin is used twice/);
  const json = await datastorage(["log", "new-origin", "audit.example.com/third", "--json"], { env });
  assert.deepEqual(
    { ...JSON.parse(json.stdout), predecessor_checkpoint: "" },
    { outcome: "opened", origin: "audit.example.com/third", predecessor_checkpoint: "" },
  );
  for (const args of [[], ["two words"], ["a", "b"], ["a", "--reason", "line\nbreak"]]) {
    assert.equal((await datastorage(["log", "new-origin", ...args], { env })).code, 2);
  }
  const none = { DATASTORAGE_DATA_DIR: join(keyFile, "..", "none") };
  assert.equal((await datastorage(["log", "new-origin", "a"], { env: none })).code, 2);
  const unreadable = await datastorage(["log", "new-origin", "a"], { env: { ...env, DATASTORAGE_DATA_DIR: keyFile } });
  assert.equal(unreadable.code, 1);
  assert.match(unreadable.stderr, /the checkpoint \S+key\.pem\/log\/checkpoint cannot be read \(ENOTDIR\)/);
  const away = { ...env, DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" };
  assert.equal((await datastorage(["log", "new-origin", "a"], { env: away })).code, 1);
});

test("serve: a key that is none is a fault of the configuration, and the service does not start", async () => {
  const bad = folder.write("bad.pem", ["no key"]);
  const { code, stderr } = await datastorage(["serve"], {
    env: { ...settings(), DATASTORAGE_LOG_KEY_FILE: bad, DATASTORAGE_METRICS_ADDRESS: "off" },
  });
  assert.equal(code, 2);
  assert.match(stderr, /DATASTORAGE_LOG_KEY_FILE=".*bad\.pem" must hold Ed25519 private keys.*no PEM block is in it/);
});

test("emptying the data folder forgets key and checkpoint: what follows is another log", async () => {
  const path = join(keyFile, "..", "emptied");
  const taken = takeDataFolder(path);
  readLogKeys({ logKey: undefined, logKeyFile: undefined, dataDir: path, embedded: true });
  writeFileSync(join(path, "log", "checkpoint"), "kept");
  await taken.empty({ info() {}, warn() {} });
  assert.throws(() => statSync(join(path, "log")), /ENOENT/);
  taken.release();
  rmSync(path, { recursive: true });
});
