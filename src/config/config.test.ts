import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { ConfigError, type Environment, loadConfig, readConfig } from "./config.ts";
import { serveHelp } from "./reference.ts";
import { type Setting, settings } from "./settings.ts";

function faultsOf(env: Environment, fileText?: string): ConfigError {
  try {
    loadConfig(env, fileText);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  assert.fail("the configuration was accepted");
}

test("nothing given: plain text on loopback, embedded stores, no traces", () => {
  const config = loadConfig({});
  assert.deepEqual(config.address, { host: "127.0.0.1", port: 8080 });
  assert.deepEqual(config.metricsAddress, { host: "127.0.0.1", port: 9090 });
  assert.equal(config.tls, undefined);
  assert.equal(config.databaseUrl, undefined);
  assert.equal(config.otlpEndpoint, undefined);
  assert.equal(config.pendingBytes, 134_217_728);
  assert.equal(config.shutdownTimeoutMs, 20_000);
});

test("the environment wins over the file, and an empty variable counts as absent", () => {
  const file =
    "# comment\nexport DATASTORAGE_LOG_LEVEL='debug'\n\nDATASTORAGE_APPEND_EVENTS=100 # a few\nDATASTORAGE_ADDRESS=127.0.0.1:1\n";
  const config = loadConfig({ DATASTORAGE_LOG_LEVEL: " warn ", DATASTORAGE_ADDRESS: "", PATH: "/bin" }, file);
  assert.equal(config.logLevel, "warn");
  assert.equal(config.appendEvents, 100);
  assert.equal(config.address.port, 1);
});

test("every fault is named at once, with the value, its place and the rule", () => {
  const error = faultsOf(
    {
      DATASTORAGE_ADDRESS: "8080",
      DATASTORAGE_APPEND_LINGER: "5",
      DATASTORAGE_ADRESS: "127.0.0.1:80",
      DATASTORAGE_TLS_CERT_FILE: "/tls/cert.pem",
    },
    "DATASTORAGE_LOG_LEVEL=loud\nDATASTORAGE_PENDING_BYTES 4MiB\nDATASTORAGE_MONTHS_AHEAD=1\nDATASTORAGE_MONTHS_AHEAD=2\n",
  );
  assert.deepEqual(error.message.split("\n"), [
    "The configuration has 7 faults:",
    "  (line 2 of the file) is not of the form NAME=value",
    "  DATASTORAGE_MONTHS_AHEAD (line 4 of the file) is given twice, first on line 3",
    "  DATASTORAGE_ADRESS is no setting; did you mean DATASTORAGE_ADDRESS?",
    '  DATASTORAGE_ADDRESS="8080" must be host:port such as 127.0.0.1:8080 or [::1]:8080, with a port from 0 to 65535 (0: a free one)',
    '  DATASTORAGE_APPEND_LINGER="5" must be a duration such as 500ms, 2s, 30m or 1h, from 0ms to 1s',
    '  DATASTORAGE_LOG_LEVEL="loud" (line 1 of the file) must be one of trace, debug, info, warn, error, fatal, silent',
    "  DATASTORAGE_TLS_KEY_FILE must be given with DATASTORAGE_TLS_CERT_FILE",
  ]);
});

test("no secret is ever repeated", () => {
  const error = faultsOf(
    { DATABASE_URL: "mysql://me:hunter2@db/audit", VALKEY_URL: "hunter2" },
    "VALKEY_PASSWORD=hunter2\n",
  );
  assert.equal(error.faults.length, 3);
  assert.doesNotMatch(error.message, /hunter2/);
  assert.match(error.message, /DATABASE_URL=\(not shown\) must be a URL that begins with postgres:/);
});

test("an address that other machines reach needs TLS, or the word that plain text is wanted", () => {
  const address = { DATASTORAGE_ADDRESS: "0.0.0.0:8080" };
  assert.match(faultsOf(address).message, /DATASTORAGE_ADDRESS="0\.0\.0\.0:8080" must be a loopback address unless/);
  assert.ok(loadConfig({ ...address, DATASTORAGE_ALLOW_PLAINTEXT: "true" }));
  const tls = { DATASTORAGE_TLS_CERT_FILE: "cert.pem", DATASTORAGE_TLS_KEY_FILE: "key.pem" };
  assert.deepEqual(loadConfig({ ...address, ...tls }).tls, { certFile: "cert.pem", keyFile: "key.pem" });
  assert.deepEqual(loadConfig({ ...tls, DATASTORAGE_TLS_CLIENT_CA_FILE: "ca.pem" }).tls, {
    certFile: "cert.pem",
    keyFile: "key.pem",
    clientCaFile: "ca.pem",
  });
});

test("settings that do not fit together are refused", () => {
  const together: [Environment, string][] = [
    [{ DATASTORAGE_TLS_KEY_FILE: "key.pem" }, "DATASTORAGE_TLS_CERT_FILE must be given with DATASTORAGE_TLS_KEY_FILE"],
    [{ DATASTORAGE_TLS_CLIENT_CA_FILE: "ca.pem" }, 'DATASTORAGE_TLS_CLIENT_CA_FILE="ca.pem" needs'],
    [
      { DATASTORAGE_METRICS_ADDRESS: "0.0.0.0:8080" },
      'DATASTORAGE_METRICS_ADDRESS="0.0.0.0:8080" must have another port',
    ],
    [
      { DATASTORAGE_APPEND_EVENTS: "2000", DATASTORAGE_PENDING_EVENTS: "1000" },
      'DATASTORAGE_APPEND_EVENTS="2000" must not',
    ],
    [
      { DATASTORAGE_MAX_REQUEST_BYTES: "64MiB", DATASTORAGE_PENDING_BYTES: "32MiB" },
      'DATASTORAGE_MAX_REQUEST_BYTES="64MiB" must not',
    ],
    [{ DATASTORAGE_STREAM_WINDOW: "32MiB" }, 'DATASTORAGE_STREAM_WINDOW="32MiB" must not'],
    [{ DATASTORAGE_KEEPALIVE_INTERVAL: "5s" }, 'DATASTORAGE_KEEPALIVE_TIMEOUT="10s" must not'],
    [{ DATASTORAGE_MAX_CONNECTION_AGE: "30s" }, 'DATASTORAGE_MAX_CONNECTION_AGE_GRACE="1m" must not'],
  ];
  for (const [env, start] of together) {
    const { message, faults } = faultsOf(env);
    assert.equal(faults.length, 1, message);
    assert.ok(message.includes(`\n  ${start}`), message);
  }
  assert.ok(loadConfig({ DATASTORAGE_ADDRESS: "127.0.0.1:0", DATASTORAGE_METRICS_ADDRESS: "127.0.0.1:0" }));
});

test("names with our prefix that are no setting are faults, with the nearest one; those of tests are not", () => {
  assert.ok(loadConfig({ DATASTORAGE_TEST_DATA: "/data", OTEL_SERVICE_NAME: "x" }));
  assert.match(faultsOf({ DATASTORAGE_APEND_EVENTS: "1" }).message, /did you mean DATASTORAGE_APPEND_EVENTS\?/);
  assert.match(
    faultsOf({ DATASTORAGE_COLOUR_OF_THE_SKY: "x" }).message,
    /no setting; `datastorage serve --help` lists them/,
  );
  assert.match(
    faultsOf({}, "DATABSE_URL=postgres://a/b").message,
    /DATABSE_URL \(line 1 of the file\) is no setting; did you mean DATABASE_URL\?/,
  );
  assert.match(faultsOf({}, "DATASTORAGE_CONFIG_FILE=other.env").message, /cannot stand in the file itself/);
});

test("traces go to the service's own endpoint, else to the standard ones", () => {
  const endpoint = (env: Environment) => loadConfig(env).otlpEndpoint;
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" };
  const traces = { ...base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example.com/in" };
  assert.equal(endpoint(base), "http://collector:4318/v1/traces");
  assert.equal(endpoint(traces), "https://traces.example.com/in");
  assert.equal(
    endpoint({ ...traces, DATASTORAGE_OTLP_ENDPOINT: "http://own:4318/otlp" }),
    "http://own:4318/otlp/v1/traces",
  );
  assert.equal(endpoint({ DATASTORAGE_OTLP_ENDPOINT: "http://own:4318/v1/traces" }), "http://own:4318/v1/traces");
});

test("whatever the environment holds, the answer is a configuration or a list of faults", () => {
  const variables = Object.values<Setting<unknown>>(settings).map(({ variable }) => variable);
  const env = fc.dictionary(fc.oneof(fc.constantFrom(...variables), fc.string()), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(env, fc.string(), (given, fileText) => {
      try {
        return loadConfig(given, fileText).address.port >= 0;
      } catch (error) {
        return error instanceof ConfigError && error.faults.length > 0;
      }
    }),
  );
});

test("the file is the one that the flag names, else the variable; one that cannot be read is a fault", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "datastorage.env");
  writeFileSync(file, "DATASTORAGE_MONTHS_AHEAD=3\n");
  assert.equal(readConfig({ DATASTORAGE_CONFIG_FILE: file }).monthsAhead, 3);
  assert.equal(readConfig({ DATASTORAGE_CONFIG_FILE: "absent" }, file).monthsAhead, 3);
  assert.equal(readConfig({}).monthsAhead, 12);
  assert.throws(
    () => readConfig({}, join(folder, "absent.env")),
    /DATASTORAGE_CONFIG_FILE=".*absent\.env" cannot be read \(ENOENT\)/,
  );
});

test("--help names every setting with its default, in lines that fit a terminal", () => {
  const help = serveHelp();
  for (const { variable, fallback } of Object.values<Setting<unknown>>(settings)) {
    assert.ok(help.includes(`  ${variable} (`), variable);
    if (fallback !== undefined)
      assert.match(help, new RegExp(`${variable} \\(.*; default ${fallback.replaceAll(".", "\\.")}\\)`));
  }
  assert.doesNotMatch(help, /`/);
  assert.deepEqual(
    help.split("\n").filter((line) => line.length > 96),
    [],
  );
});
