import assert from "node:assert/strict";
import { test } from "node:test";
import { newPrivateKey, readPrivateKeys } from "../integrity/note/keys.ts";
import { logSigners, usedKeys } from "../integrity/sealing/log_signers.ts";
import { loadConfig } from "./config.ts";
import { ConfigError } from "./config_error.ts";
import { logOrigin, pem, witnesses } from "./log_kinds.ts";

const [privateKey] = readPrivateKeys(newPrivateKey());
assert.ok(privateKey);
const [logKey, cosignerKey] = usedKeys(logSigners({ privateKeys: [privateKey] }, "w.example.com")).map(
  ({ verifierKey }) => verifierKey,
);

test("origins are names that a key may have", () => {
  for (const good of ["audit.example.com/cluster-1", "a", "ärger", "x".repeat(200)]) {
    assert.deepEqual(logOrigin.parse(good), { value: good });
  }
  for (const bad of ["", "two words", "a+b", "a\nb", "a\u00a0b", "a\u0007b", "\ud800", "x".repeat(201)]) {
    assert.equal(logOrigin.parse(bad), undefined, JSON.stringify(bad));
  }
});

test("a PEM text may have \\n for its line breaks", () => {
  const text = newPrivateKey();
  assert.deepEqual(pem.parse(text.replaceAll("\n", "\\n")), { value: text });
  assert.equal(pem.parse("hunter2"), undefined);
});

test("witnesses stand with spaces or commas between, each with a cosignature key of its own", () => {
  const other = usedKeys(logSigners({ privateKeys: [privateKey] }, "v.example.com"))[1]?.verifierKey;
  const text = `${cosignerKey}@https://w.example.com/prefix/, ${other}@http://127.0.0.1:8080`;
  assert.deepEqual(witnesses.parse(text)?.value, [
    { verifierKey: cosignerKey, url: "https://w.example.com/prefix" },
    { verifierKey: other, url: "http://127.0.0.1:8080" },
  ]);
  const bad = [
    `${logKey}@https://w.example.com`,
    `${cosignerKey}@ftp://w.example.com`,
    `${cosignerKey}@https://`,
    `${cosignerKey}x@https://w.example.com`,
    `${cosignerKey}`,
    "https://w.example.com",
    `${cosignerKey}@https://one.example.com ${cosignerKey}@https://two.example.com`,
  ];
  for (const refused of bad) assert.equal(witnesses.parse(refused), undefined, refused);
});

test("a key is given in one way, and never shown", () => {
  const both = { DATASTORAGE_LOG_KEY: newPrivateKey(), DATASTORAGE_LOG_KEY_FILE: "/key.pem" };
  assert.throws(
    () => loadConfig(both),
    /DATASTORAGE_LOG_KEY_FILE="\/key\.pem" must not be given with DATASTORAGE_LOG_KEY$/,
  );
  const told = (() => {
    try {
      loadConfig({ DATASTORAGE_LOG_KEY: "hunter2" });
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
    }
    return "";
  })();
  assert.match(told, /DATASTORAGE_LOG_KEY=\(not shown\) must be PEM text/);
});
