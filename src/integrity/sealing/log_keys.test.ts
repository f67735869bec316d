import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ConfigError } from "../../config/config_error.ts";
import { newPrivateKey } from "../note/keys.ts";
import { findLogKeys, type LogKeyOptions, readLogKeys } from "./log_keys.ts";

const folder = mkdtempSync(join(tmpdir(), "datastorage-keys-"));
after(() => rmSync(folder, { recursive: true }));
const options = (more: Partial<LogKeyOptions>): LogKeyOptions => ({
  logKey: undefined,
  logKeyFile: undefined,
  dataDir: join(folder, "data"),
  embedded: false,
  ...more,
});
function faultOf(more: Partial<LogKeyOptions>): string {
  try {
    readLogKeys(options(more));
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  assert.fail("the key was accepted");
}

test("an embedded database has a key of its own, made once, for its owner alone", () => {
  const file = join(folder, "data", "log", "key.pem");
  assert.equal(findLogKeys(options({ embedded: true })), undefined);
  const made = readLogKeys(options({ embedded: true }));
  assert.equal(made?.source, file);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, "data", "log")).mode & 0o777, 0o700);
  const text = readFileSync(file, "utf8");
  assert.ok(readLogKeys(options({ embedded: true }))?.privateKeys[0].equals(made.privateKeys[0]));
  assert.ok(findLogKeys(options({ embedded: true }))?.privateKeys[0].equals(made.privateKeys[0]));
  assert.equal(readFileSync(file, "utf8"), text);
});

test("a database of somebody else's has the keys that are given, and none of its own", () => {
  assert.equal(readLogKeys(options({ dataDir: join(folder, "other") })), undefined);
  const pem = newPrivateKey() + newPrivateKey();
  assert.equal(readLogKeys(options({ logKey: pem }))?.privateKeys.length, 2);
  assert.equal(readLogKeys(options({ logKey: pem }))?.source, "DATASTORAGE_LOG_KEY");
  const logKeyFile = join(folder, "given.pem");
  writeFileSync(logKeyFile, pem);
  assert.equal(readLogKeys(options({ logKeyFile, embedded: true }))?.source, logKeyFile, "a given one goes before");
});

test("a key that cannot be used is told with its source and what is wrong, and never with itself", () => {
  const file = (text: string) => {
    const name = join(folder, "bad.pem");
    writeFileSync(name, text);
    return name;
  };
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
    format: "pem",
    type: "pkcs8",
  }) as string;
  const publicKey = generateKeyPairSync("ed25519").publicKey.export({ format: "pem", type: "spki" }) as string;
  const broken = newPrivateKey().replace(/[A-Za-z0-9]{20}/, "A");
  const cases: [string, RegExp][] = [
    [rsa, /holds a key for rsa: it must be one for ed25519/],
    [newPrivateKey() + rsa, /PEM block 2 holds a key for rsa/],
    [publicKey, /PEM block 1 is labelled PUBLIC KEY: it must be a PRIVATE KEY/],
    [broken, /PEM block 1 cannot be read as a private key/],
    ["", /no PEM block is in it/],
  ];
  for (const [text, expected] of cases) {
    const told = faultOf({ logKeyFile: file(text) });
    assert.match(told, expected);
    assert.match(told, /DATASTORAGE_LOG_KEY_FILE=".*bad\.pem" must hold Ed25519 private keys/);
    if (text !== "") assert.match(faultOf({ logKey: text }), /DATASTORAGE_LOG_KEY=\(not shown\) must hold/);
    for (const line of text.split("\n").filter((part) => part.length > 20 && !part.startsWith("-"))) {
      assert.ok(!told.includes(line), "no part of a key is shown");
    }
  }
  assert.match(faultOf({ logKeyFile: join(folder, "none.pem") }), /none\.pem" cannot be read \(ENOENT\)/);
  assert.match(faultOf({ logKeyFile: folder }), /cannot be read \(EISDIR\)/);
});

test("a key file that this user may not read is told", { skip: process.getuid?.() === 0 }, () => {
  const logKeyFile = join(folder, "closed.pem");
  writeFileSync(logKeyFile, newPrivateKey());
  chmodSync(logKeyFile, 0o000);
  assert.match(faultOf({ logKeyFile }), /closed\.pem" cannot be read \(EACCES\)/);
});
