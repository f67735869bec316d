// `datastorage verify`: what a person or a program is told about a file, without any service.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { privateKeyOf } from "../../src/integrity/note/keys.ts";
import { cosigner } from "../../src/integrity/note/signed_note.ts";
import {
  bundleFiles,
  type EventObject,
  erased,
  logOf,
  logSigners,
  ORIGIN,
  packed,
  receiptOf,
  removed,
} from "../support/bundle.ts";
import { datastorage, start } from "./datastorage.ts";

const folder = mkdtempSync(join(tmpdir(), "datastorage-verify-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const LOG = logOf(Array.from({ length: 12 }, (_, index) => ({ correlation: `rr-${index % 2}`, data: { index } })));
const EVENT = LOG[4] as EventObject;
const KEY = logSigners().log.verifier.verifierKey;
const archive = await packed(bundleFiles(LOG));
const bundle = written("bundle.tar", archive);
const receipt = written("event.tlog-proof", receiptOf(LOG, 4));

describe("a bundle", () => {
  test("is proven by a key that was given", async () => {
    const { code, stdout, stderr } = await datastorage(["verify", bundle, "--verifier-key", KEY]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^PROVEN by a key that was given\n/);
    assert.match(stdout, /Signed by {3}log, given: log\.example\/test\+/);
    assert.match(stdout, /\+ 12 events: all fields, the payload and the salt give the event_hash\./);
    assert.match(stdout, /over 12 entries:?\s+these are all its entries/);
    assert.match(stdout, /Not proven\n {2}- That others were shown the same log/);
  });

  test("without a key is consistent in itself, which is said in so many words", async () => {
    const { code, stdout } = await datastorage(["verify", bundle]);
    assert.equal(code, 0);
    assert.match(stdout, /^CONSISTENT IN ITSELF: no key was given, so nobody vouches for it\n/);
    assert.match(stdout, /Proven, if the keys above are those of the log/);
    assert.match(stdout, /- Whose log this is\./);
  });

  test("tells what of a filter, of erased and of removed events stays open", async () => {
    const own = LOG.filter(({ correlation_id: id }) => id === "rr-1");
    const lines = own.map((line, index) => (index === 1 ? erased(line) : index === 2 ? removed(line) : line));
    const file = written("some.tar", await packed(bundleFiles(LOG, { lines, filter: { correlation_id: "rr-1" } })));
    const { stdout } = await datastorage([
      "verify",
      file,
      "--verifier-key",
      logSigners().exporter.verifier.verifierKey,
    ]);
    assert.match(stdout, /1 event without payload/);
    assert.match(stdout, /1 removed event: hash and place alone/);
    assert.match(stdout, /the chain of rr-1 from its first event to the one at log_index 11, without a gap/);
    assert.match(
      stdout,
      /no later event of the correlation stands in the log: that is the word of the export key, which\s+was given/,
    );
    assert.match(stdout, /What the erased payloads were/);
  });

  test("calls a chain whole only as far as events say so, and leaves open whose log a witness saw", async () => {
    const own = LOG.filter(({ correlation_id: id }) => id === "rr-1");
    const lines = own.map((line, index) => (index === own.length - 1 ? removed(line) : line));
    const witness = cosigner("witness.example/w1", privateKeyOf(Buffer.alloc(32, 9)), () => 1_790_000_000);
    const choices = { lines, filter: { correlation_id: "rr-1" }, witnesses: [witness] };
    const file = written("end.tar", await packed(bundleFiles(LOG, choices)));
    const { stdout } = await datastorage(["verify", file, "--verifier-key", witness.verifier.verifierKey]);
    assert.match(stdout, /^PROVEN/);
    assert.doesNotMatch(stdout, /They are the chain/);
    assert.match(stdout, /- Whose log this is: of the keys that were given only a witness's signed it/);
  });

  test("with one byte changed fails, and the event is named", async () => {
    const damaged = Buffer.from(archive);
    const at = damaged.indexOf('"index":4}');
    damaged[at + 8] = "7".charCodeAt(0);
    const file = written("damaged.tar", damaged);
    const { code, stdout } = await datastorage(["verify", file, "--verifier-key", KEY]);
    assert.equal(code, 1);
    const event = EVENT["event_id"];
    assert.equal(
      stdout,
      `FAILED  events-000001.jsonl:5: event ${event} (log_index 4): event_hash does not follow from the event: a field of it, its salt or a hash was changed\n`,
    );
    const { stdout: json } = await datastorage(["verify", file, "--json"]);
    const { result, flaw } = JSON.parse(json);
    assert.deepEqual(
      [result, flaw.file, flaw.line, flaw.event_id, flaw.log_index],
      ["failed", "events-000001.jsonl", 5, event, 4],
    );
  });

  test("is told of in JSON, with the filter as it was given", async () => {
    const lines = LOG.filter(({ correlation_id: id }) => id === "rr-1");
    const filter = { correlationId: "rr-1", eventData: { someKey: 1 } };
    const file = written("filtered.tar", await packed(bundleFiles(LOG, { lines, filter })));
    const { stdout } = await datastorage(["verify", file, "--json", "--verifier-key", KEY]);
    const report = JSON.parse(stdout);
    assert.deepEqual([report.result, report.kind, report.events, report.filter], ["proven", "bundle", 6, filter]);
    assert.deepEqual(report.checkpoint.keys[0], { verifier_key: KEY, name: ORIGIN, purpose: "log", given: true });
  });

  test("comes by standard input as well, and no service or database is looked for", async () => {
    const running = start(["verify", "-", "--verifier-key", KEY]);
    running.stdin.end(archive);
    const { code, stdout } = await running.ended;
    assert.equal(code, 0);
    assert.match(stdout, /^PROVEN/);
  });

  test("is not signed by a key that did not sign it", async () => {
    const { code, stdout } = await datastorage([
      "verify",
      bundle,
      "--verifier-key",
      logSigners(8).log.verifier.verifierKey,
    ]);
    assert.equal(code, 1);
    assert.match(stdout, /^FAILED {2}none of the keys that were given signed it/);
  });
});

describe("a receipt", () => {
  test("proves a hash, and with the event that it is this event", async () => {
    const { code, stdout } = await datastorage(["verify", receipt, "--verifier-key", KEY]);
    assert.equal(code, 0);
    assert.match(stdout, /^PROVEN/);
    assert.match(
      stdout.replaceAll(/\s+/g, " "),
      /at place 3 of its chain, stands at log_index 4 in the log of 12 entries/,
    );
    assert.match(stdout, /- That it is the event/);
    const event = written("event.json", `${JSON.stringify(EVENT)}\n`);
    const full = await datastorage(["verify", receipt, "--verifier-key", KEY, "--event", event]);
    assert.match(full.stdout.replaceAll(/\s+/g, " "), /is that event: all its fields give the hash/);
    const other = written("other.json", JSON.stringify({ ...EVENT, actor_id: "x" }));
    const changed = await datastorage(["verify", receipt, "--event", other, "--json"]);
    assert.deepEqual([changed.code, JSON.parse(changed.stdout).flaw.file], [1, other]);
  });

  test("without a key has no signature checked", async () => {
    const { code, stdout } = await datastorage(["verify", receipt]);
    assert.equal(code, 0);
    assert.match(stdout, /^CONSISTENT IN ITSELF/);
    assert.match(stdout, /log\.example\/test: not checked, its key is not known/);
    assert.match(stdout, /That the log signed the checkpoint: no key was given, and a receipt carries none/);
  });
});

describe("usage", () => {
  test("keys may stand in a file, with remarks", async () => {
    const file = written("keys.txt", `# the log's key\n\n${KEY}\n`);
    const { stdout } = await datastorage(["verify", bundle, "--verifier-key-file", file]);
    assert.match(stdout, /^PROVEN/);
    const wrong = written("wrong.txt", `${KEY}\nnonsense\n`);
    const refused = await datastorage(["verify", bundle, "--verifier-key-file", wrong]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /wrong\.txt:2: a verifier key must be/);
  });

  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 2, /FILE is missing/],
    [[join(folder, "nothing.tar")], 2, /cannot be read \(ENOENT\)/],
    [[folder], 2, /is a folder/],
    [[bundle, "--verifier-key", "x"], 2, /--verifier-key: a verifier key must be/],
    [[bundle, "--event", receipt], 2, /--event belongs to a receipt, and this is a bundle/],
    [[receipt, "--event", join(folder, "nothing.json")], 2, /nothing\.json cannot be read \(ENOENT\)/],
  ];
  for (const [args, code, text] of wrong) {
    test(`${args.map((arg) => arg.replace(folder, "")).join(" ") || "no file"}: ${code}`, async () => {
      const ending = await datastorage(["verify", ...args]);
      assert.equal(ending.code, code);
      assert.match(ending.stderr, text);
    });
  }

  test("a file that is neither is told so", async () => {
    const { code, stdout } = await datastorage(["verify", written("text.txt", "a".repeat(600))]);
    assert.deepEqual([code, stdout], [1, "FAILED  this is no tar archive\n"]);
  });

  test("Ctrl-C ends it", async () => {
    const { code } = await datastorage(["verify", bundle], { signal: AbortSignal.abort("SIGINT") });
    assert.equal(code, 130);
  });
});
