import assert from "node:assert/strict";
import { test } from "node:test";
import { readArguments } from "./arguments.ts";
import { connectionFlags, readTarget, urlOf } from "./connection.ts";
import { EXIT } from "./exit_code.ts";

const command = { name: "x", summary: "", positionals: "", flags: connectionFlags, run: async () => EXIT.ok };
const url = (args: string[], env: Record<string, string> = {}) => urlOf(readTarget(readArguments(command, args), env));

test("the address: the flag, else DATASTORAGE_ADDRESS, else 127.0.0.1:8080", () => {
  assert.equal(url([]), "http://127.0.0.1:8080");
  assert.equal(url([], { DATASTORAGE_ADDRESS: "audit:9000" }), "http://audit:9000");
  assert.equal(url(["--address", "other:9000"], { DATASTORAGE_ADDRESS: "audit:9000" }), "http://other:9000");
  assert.equal(url(["--address", "https://audit.example.com:443/"]), "https://audit.example.com:443");
  assert.equal(url(["--address", "audit:9000", "--tls"]), "https://audit:9000");
});

test("a service that listens everywhere is reached on this machine", () => {
  assert.equal(url([], { DATASTORAGE_ADDRESS: "0.0.0.0:8080" }), "http://127.0.0.1:8080");
  assert.equal(url([], { DATASTORAGE_ADDRESS: "[::]:8080" }), "http://[::1]:8080");
});

test("what is no address, or cannot go together, is refused by name", () => {
  assert.throws(() => url(["--address", "audit"]), /--address must be host:port/);
  assert.throws(() => url([], { DATASTORAGE_ADDRESS: "audit:0" }), /DATASTORAGE_ADDRESS must be host:port/);
  assert.throws(() => url(["--address", "http://audit:1", "--tls"]), /begins with http:\/\//);
  assert.throws(() => url(["--ca-file", "/nowhere/ca.pem"]), /--ca-file \/nowhere\/ca\.pem cannot be read \(ENOENT\)/);
  assert.throws(() => url(["--client-cert-file", import.meta.filename]), /go together/);
});
