// What a user of `datastorage reconstruct` sees, against the running service.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import { type AuditTestService, startAuditService } from "../support/audit_service.ts";
import { datastorage, eventLine, type Folder, temporaryFolder } from "./datastorage.ts";

const SAMPLE = fileURLToPath(new URL("../../examples/remediation.jsonl", import.meta.url));
const GOLDEN = new URL("../reconstruction/golden/remediation.yaml", import.meta.url);
const REMEDIATION = "rr-5be0c1d49a27-7c1e4f03";

describe("datastorage reconstruct", () => {
  let service: AuditTestService;
  let folder: Folder;
  const ends: (() => Promise<void>)[] = [];
  before(async () => {
    service = await startAuditService({ after: (end) => void ends.push(end) });
    folder = temporaryFolder();
    assert.equal((await datastorage(["record", SAMPLE, "--address", service.address])).code, 0);
  });
  after(async () => {
    folder?.remove();
    for (const end of ends) await end();
  });

  const reconstruct = (...args: string[]) =>
    datastorage(["reconstruct", REMEDIATION, ...args, "--address", service.address]);

  test("the object as YAML alone on standard output, what is known of it on standard error", async () => {
    const { code, stdout, stderr } = await reconstruct();
    assert.deepEqual([code, stdout], [0, readFileSync(GOLDEN, "utf8")]);
    assert.match(stderr, /^100\.0 % complete, from \d+ of 90 events\nThe chain holds: 90 events checked\n$/);
  });

  test("as JSON, whole, to a file", async () => {
    const { stdout } = await reconstruct("-o", "json");
    const object = JSON.parse(stdout);
    const whole = JSON.parse((await reconstruct("--json")).stdout);
    assert.deepEqual(whole.object, object);
    assert.deepEqual([whole.yaml, whole.reconstruction.chain.verified], [readFileSync(GOLDEN, "utf8"), true]);
    const file = join(folder.write("empty", []), "..", "object.yaml");
    const written = await reconstruct("-f", file);
    assert.deepEqual([written.stdout, readFileSync(file, "utf8")], ["", whole.yaml]);
    assert.match(written.stderr, /^Wrote .*object\.yaml\n100\.0 % complete/);
    const nowhere = await reconstruct("-f", join(file, "below"));
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /--file .*below cannot be written \(ENOTDIR\)/);
  });

  test("--provenance: each field and its event", async () => {
    const { stdout } = await reconstruct("--provenance");
    assert.match(stdout, /^FIELD +PLACE +EVENT TYPE +IN IT +EVENT\n/);
    assert.match(stdout, /\nspec\.signalName +1 +gateway\.signal\.received +event_data\.signal_name +[0-9a-f-]{36}\n/);
  });

  test("the past: what is missing, with the events that would have carried it; too little is refused", async () => {
    await datastorage(["record", "-", "--address", service.address], {
      stdin: JSON.stringify(eventLine("rr-little", 1, { event_data: { signal_name: "Little" } })),
    });
    const little = (...args: string[]) =>
      datastorage(["reconstruct", "rr-little", ...args, "--address", service.address]);
    const { code, stdout, stderr } = await little();
    assert.equal(code, 0);
    assert.match(stdout, /^apiVersion: kubernaut\.ai\/v1alpha1\nkind: RemediationRequest\n/);
    assert.match(stderr, /^\d+\.\d % complete, from 1 of 1 event\n {2}missing and required: metadata\.namespace/);
    assert.match(stderr, /\n {2}missing: status\.overallPhase \(orchestrator\.lifecycle\.[a-z., ]+\)\n/);
    const refused = await little("--minimum-completeness", "0.9");
    assert.deepEqual([refused.code, refused.stdout], [3, ""]);
    assert.match(
      refused.stderr,
      /answered FAILED_PRECONDITION \(TOO_INCOMPLETE\): completeness is 0\.\d+, less than 0\.9/,
    );
    const past = await reconstruct("--as-of", "2026-09-14T07:42:30Z");
    assert.match(past.stdout, /reconstruction\.kubernaut\.ai\/as-of: '2026-09-14T07:42:30\.000000Z'/);
    assert.equal((await little("--as-of", "2001-01-01")).code, 4);
  });

  test("wrong usage", async () => {
    const told = async (...args: string[]) => {
      const { code, stderr } = await reconstruct(...args);
      assert.equal(code, 2);
      return stderr;
    };
    assert.match(await told("-o", "xml"), /--output must be one of yaml, json/);
    assert.match(await told("--kind", "RemediationReqest"), /did you mean RemediationRequest\?/);
    assert.match(await told("--minimum-completeness", "2"), /must be a share from 0 to 1/);
    assert.match(await told("--json", "--provenance"), /--json and --provenance do not go together/);
    assert.match(await told("--namespace", "No Namespace"), /namespace: must be a DNS label/);
  });

  test("a broken chain is said loudly, and the object still comes", async () => {
    await service.admin.begin(async (sql) => {
      await sql`SET LOCAL session_replication_role = replica`;
      await sql`UPDATE audit_events SET event_action = 'other' WHERE correlation_id = ${REMEDIATION} AND chain_position = 7`;
    });
    const args = ["reconstruct", REMEDIATION, "--address", service.address];
    const { code, stdout, stderr } = await datastorage(args, { columns: 120 });
    assert.equal(code, 0);
    assert.match(stdout, /chain-verified: 'false'/);
    assert.ok(stderr.includes(styleText("red", styleText("bold", "THE CHAIN IS BROKEN", PLAIN), PLAIN)), stderr);
    assert.match(
      (await reconstruct()).stderr,
      /\nTHE CHAIN IS BROKEN at position 7, event [0-9a-f-]{36}: its hash is not/,
    );
  });
});

const PLAIN = { validateStream: false };
