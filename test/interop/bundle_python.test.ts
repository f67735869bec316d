// Bundles as a program in Python checks them, on the standard library and `cryptography` alone.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { canonicalText, type Json, type JsonObject } from "../../src/integrity/canonical.ts";
import {
  type BundleChoices,
  type BundleFile,
  bundleFiles,
  type EventObject,
  erased,
  logOf,
  logSigners,
  packed,
  removed,
  sealed,
} from "../support/bundle.ts";
import { exportSample, SAMPLE_CORRELATION } from "../support/exported_sample.ts";
import { run, runToEnd } from "./command.ts";
import { ROOT } from "./kept.ts";
import { type PythonEnvironment, pythonEnvironment } from "./python.ts";
import { suite } from "./suite.ts";

const SOURCE = join(ROOT, "test", "interop", "bundle_python");
const found = await pythonEnvironment("bundle-python", SOURCE);
const KEY = logSigners().log.verifier.verifierKey;

suite("a verifier of bundles in Python", typeof found === "string" ? found : undefined, () => {
  const { python } = found as PythonEnvironment;
  const folder = mkdtempSync(join(tmpdir(), "datastorage-bundle-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const env = { PYTHONDONTWRITEBYTECODE: "1" };

  async function verify(files: readonly BundleFile[], ...keys: readonly string[]) {
    const file = join(folder, "bundle.tar");
    writeFileSync(file, await packed(files));
    return runToEnd(python, [join(SOURCE, "verify_bundle.py"), file, ...keys], { env });
  }

  const DATA: readonly JsonObject[] = [
    { b: [1e21, 1e-7, 0.1, -0, 5e-324, 333333333.3333333, 1e20, 123456789012], a: { "10": null, "9": true } },
    { "\u{1f600}": 1, "\ufb33": 2, é: 'quote " \\ / \u0001 \u007f \u2028', "": [[], {}] },
  ];
  const LOG = logOf(
    Array.from({ length: 30 }, (_, index) => ({
      correlation: `rr-${index % 3}`,
      data: DATA[index % 2] as JsonObject,
      ...(index % 4 === 1 && { more: { error_message: "no such pod é", duration_ms: 12 } }),
    })),
  );

  test("accepts bundles with gaps, erased payloads and removed events, by the key that was given", async () => {
    const some = LOG.filter((_, index) => index % 5 > 1);
    const kinds = LOG.map((line, index) => (index % 3 === 0 ? erased(line) : index % 7 === 0 ? removed(line) : line));
    const choices: readonly BundleChoices[] = [{}, { lines: some, partLines: 4 }, { lines: kinds }, { lines: [] }];
    for (const chosen of choices) {
      const { code, stdout, stderr } = await verify(bundleFiles(LOG, chosen), KEY);
      assert.equal(code, 0, stdout + stderr);
      const lines = chosen.lines ?? LOG;
      const gone = lines.filter((line) => line["removed"] === true).length;
      const report = JSON.parse(stdout);
      assert.deepEqual([report.events, report.removed, report.vouched], [lines.length - gone, gone, [KEY]]);
    }
  });

  test("accepts what a service exported", async () => {
    const exported = await exportSample({
      "one.tar": ["export", "--correlation-id", SAMPLE_CORRELATION],
      "some.tar": ["export", "--event-types", "aianalysis.*"],
    });
    after(exported.remove);
    for (const name of ["one.tar", "some.tar"]) {
      const args = [join(SOURCE, "verify_bundle.py"), exported.path(name), exported.verifierKey];
      const report = JSON.parse(await run(python, args, { env }));
      assert.deepEqual([report.chains, report.vouched], [1, [exported.verifierKey]]);
      assert.ok(name === "one.tar" ? report.events === 90 : report.events > 0);
    }
  });

  test("refuses a bundle that somebody else made and signed", async () => {
    const { code, stdout } = await verify(bundleFiles(LOG, { signers: logSigners(8) }), KEY);
    assert.deepEqual([code, stdout], [1, "FAILED no key that was given signed this\n"]);
  });

  test("names the event of which a member was changed, whatever the manifest says", async () => {
    const files = bundleFiles(LOG);
    const changes: readonly [string, Json][] = [
      ["actor_id", "other"],
      ["event_data", { other: 1 }],
      ["event_hash", "0".repeat(64)],
      ["chain_position", 9],
      ["log_salt", "0".repeat(64)],
      ["log_index", 20],
      ["note", "nothing proves it"],
    ];
    for (const [name, value] of changes) {
      const changed = { ...(LOG[13] as EventObject), [name]: value };
      const damaged = files.map((file) => (file.name === "events-000001.jsonl" ? withLine(file, 13, changed) : file));
      const { code, stdout } = await verify(sealed(damaged));
      assert.equal(code, 1, name);
      assert.match(stdout, /^FAILED events-000001\.jsonl:14: event 019a3c5e-8a00-7000-8000-000000000013 /, name);
    }
  });

  test("refuses a line that others would read otherwise, and what is nested without end", async () => {
    const files = bundleFiles(LOG);
    const written = (change: (text: string) => string) =>
      sealed(
        files.map(({ name, content }) => ({
          name,
          content: name === "events-000001.jsonl" ? Buffer.from(change(content.toString())) : content,
        })),
      );
    const same = await verify(
      written((text) => text.replace('"log_index":0', '"log_index":0e1').replace('_position":1,', '_position":1.0,')),
    );
    assert.equal(same.code, 0, same.stdout);
    const changes: readonly [RegExp, (text: string) => string][] = [
      [/a member is named twice/, (text) => text.replace("{", '{"actor_id":"somebody else",')],
      [/a member is named twice/, (text) => text.replace("[1e+21", '[{"x":1,"x":1}')],
      [/log_index and chain_position must be whole/, (text) => text.replace('"log_index":0', '"log_index":false')],
      [
        /recursion/,
        (text) => text.replace('"event_data":', `"event_data":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)},"x":`),
      ],
    ];
    for (const [reason, change] of changes) {
      const { code, stdout, stderr } = await verify(written(change));
      assert.deepEqual([code, stderr], [1, ""]);
      assert.match(stdout, /^FAILED events-000001\.jsonl:1: /);
      assert.match(stdout, reason);
    }
  });

  function withLine({ name, content }: BundleFile, index: number, event: EventObject): BundleFile {
    return { name, content: Buffer.from(content.toString().split("\n").with(index, JSON.stringify(event)).join("\n")) };
  }

  test("finds a changed byte in any file", async () => {
    const files = bundleFiles(LOG, { lines: LOG.slice(3, 20) });
    for (const { name, content } of files.filter((file) => file.content.length > 0)) {
      const changed = Buffer.from(content);
      changed[content.length >> 1] = (changed[content.length >> 1] as number) ^ 1;
      const { code, stderr } = await verify(
        files.map((file) => (file.name === name ? { name, content: changed } : file)),
      );
      assert.deepEqual([code, stderr], [1, ""], name);
    }
  });

  test("writes the RFC 8785 form as the service does", async () => {
    const texts = fc.sample(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.jsonValue()), {
      numRuns: 2000,
      seed: 1,
    });
    const values = texts.map((value) => JSON.stringify(value));
    const program =
      "import json,sys,verify_bundle as v\nfor line in sys.stdin: print(json.dumps(v.canonical(json.loads(line))))";
    const input = values.map((value) => `${value}\n`).join("");
    const printed = await run(python, ["-c", program], { env: { ...env, PYTHONPATH: SOURCE }, input });
    const forms = printed
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as string);
    assert.deepEqual(
      forms,
      values.map((value) => canonicalText(JSON.parse(value) as Json)),
    );
  });
});
