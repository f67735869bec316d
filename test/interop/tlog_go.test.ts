// The log as programs of others see it: checkpoint, tiles and entries over HTTP, and a receipt.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { type GetCheckpointResponse, IntegrityService } from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import { newEvents } from "../support/audit_service.ts";
import { untilCovered } from "../support/log_site.ts";
import { runToEnd } from "./command.ts";
import { type Endpoint, startEndpoint } from "./endpoint.ts";
import { suite } from "./suite.ts";
import { type TlogPrograms, tlogPrograms } from "./tlog_go.ts";

const found = await tlogPrograms();

suite("the log seen by programs built with Go", typeof found === "string" ? found : undefined, () => {
  const { check, tesseraFsck } = found as TlogPrograms;
  let endpoint: Endpoint;
  let folder: string;
  let sessions: Http2SessionManager;
  let audit: Client<typeof AuditService>;
  let integrity: Client<typeof IntegrityService>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "datastorage-tlog-"));
    const key = { DATASTORAGE_LOG_KEY: newPrivateKey(), DATASTORAGE_LOG_ORIGIN: "log.example/audit" };
    endpoint = await startEndpoint("tlog", { ...key, DATASTORAGE_DATA_DIR: folder });
    sessions = new Http2SessionManager(endpoint.url);
    const transport = createGrpcTransport({ baseUrl: endpoint.url, sessionManager: sessions });
    audit = createClient(AuditService, transport);
    integrity = createClient(IntegrityService, transport);
  });
  after(async () => {
    sessions?.abort();
    await endpoint?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Records events and waits until a published checkpoint covers them. */
  async function record(count: number): Promise<{ ids: string[]; checkpoint: GetCheckpointResponse }> {
    const events = newEvents(count, { correlationId: "rr-tlog" });
    await audit.recordEvents({ events });
    const ids = events.map(({ eventId }) => eventId);
    return { ids, checkpoint: await untilCovered(integrity, ids.at(-1) as string) };
  }

  const keep = async (name: string, text: string) => {
    const file = join(folder, name);
    await writeFile(file, text);
    return file;
  };

  const keyFor = ({ verifierKeys }: GetCheckpointResponse, purpose: string) =>
    verifierKeys.find((key) => key.purpose === purpose)?.verifierKey ?? "";

  test("x/mod/sumdb and transparency-dev/formats find checkpoint, entries, growth and a receipt to be true", async () => {
    const first = await record(150);
    const { checkpoint } = await record(450);
    const [eventId = ""] = first.ids;
    const { receipt } = await integrity.getReceipt({ eventId });
    const args = [
      ...["-url", endpoint.url],
      ...["-log-key", keyFor(checkpoint, "log"), "-cosigner-key", keyFor(checkpoint, "cosigner")],
      ...["-earlier", await keep("earlier", first.checkpoint.checkpoint)],
    ];
    const told = await runToEnd(check, [...args, "-receipt", await keep("one.tlog-proof", receipt)]);
    assert.deepEqual(told, { code: 0, stderr: "", stdout: told.stdout });
    const [, size = ""] = /^checkpoint: (\d+) entries, signed and cosigned$/m.exec(told.stdout) ?? [];
    assert.ok(Number(size) >= 600, told.stdout);
    assert.match(told.stdout, new RegExp(`^entries: ${size}, each included$`, "m"));
    assert.match(
      told.stdout,
      new RegExp(`^consistency: ${first.checkpoint.treeSize} entries are the beginning of`, "m"),
    );
    assert.match(told.stdout, new RegExp(`^receipt: ${eventId} at place 1 of rr-tlog$`, "m"));

    const forged = receipt.replace(/^index \d+$/m, "index 200");
    const refused = await runToEnd(check, [...args, "-receipt", await keep("forged.tlog-proof", forged)]);
    assert.notEqual(refused.code, 0);
  });

  test("the fsck of Tessera finds every tile and bundle to be what the checkpoint signs", async () => {
    const { checkpoint } = await record(20);
    const key = await keep("log.pub", keyFor(checkpoint, "log"));
    const args = ["-storage_url", `${endpoint.url}/`, "-public_key", key, "-ui=false", "-logtostderr", "-v=1"];
    // Where something is wrong it never ends, or ends with 0.
    const { code, stderr } = await runToEnd(tesseraFsck, args, { timeoutMs: 20_000 });
    assert.equal(code, 0, stderr);
    const [, size, root] = /Successfully fsck'd log with size (\d+) and root (\S+)/.exec(stderr) ?? [];
    const known = await integrity.getCheckpoint({});
    assert.deepEqual([size, root], [String(known.treeSize), Buffer.from(known.rootHash).toString("base64")], stderr);
  });
});
