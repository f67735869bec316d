// What a user of `datastorage timeline` sees; a service of the test's own tells the course of the sample.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { styleText } from "node:util";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import {
  type GetTimelineRequest,
  ReconstructionService,
} from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { eventsOf, SAMPLE } from "../../src/reconstruction/timeline/sample.ts";
import { timelineOf } from "../../src/reconstruction/timeline/timeline.ts";
import { datastorage, type Folder, temporaryFolder } from "./datastorage.ts";

const REMEDIATION = "rr-5be0c1d49a27-7c1e4f03";

describe("datastorage timeline", () => {
  let server: Http2Server;
  let address: string;
  let folder: Folder;
  let asked: GetTimelineRequest | undefined;
  const sample = eventsOf(SAMPLE);

  before(async () => {
    folder = temporaryFolder();
    const handler = connectNodeAdapter({
      routes: (router) =>
        router.service(ReconstructionService, {
          getTimeline(request) {
            asked = request;
            if (request.correlationId !== REMEDIATION) throw notFound(request.correlationId);
            return { timeline: timelineOf(request.correlationId, sample, request) };
          },
        }),
    });
    server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    asked = undefined;
  });
  after(async () => {
    folder?.remove();
    await new Promise((resolve) => server.close(resolve));
  });

  const timeline = (...args: string[]) => datastorage(["timeline", ...args, "--address", address]);

  test("the course of the sample, in colour on a terminal", async () => {
    const args = ["timeline", REMEDIATION, "--address", address];
    const { code, stdout } = await datastorage(args, { columns: 120 });
    assert.equal(code, 0);
    assert.ok(stdout.includes(`  ${styleText("green", "Remediated", { validateStream: false })}\n`), stdout);
    const plain = await datastorage(args, { columns: 120, env: { NO_COLOR: "1" } });
    assert.match(plain.stdout, /^rr-5be0c1d49a27-7c1e4f03 {2}Remediated\nSignal {4}ContainerOOMKilled/);
    assert.match(plain.stdout, /\n {2}Blocked +\+7m27s +5m57s /);
  });

  test("--json: the message; --expand: every event", async () => {
    const { phases, event_count } = JSON.parse((await timeline(REMEDIATION, "--json")).stdout);
    assert.deepEqual([phases.length, event_count], [9, 90]);
    const expanded = JSON.parse((await timeline(REMEDIATION, "--json", "--expand")).stdout);
    const steps = expanded.phases.flatMap((phase: { steps?: unknown[] }) => phase.steps ?? []);
    assert.equal(steps.length, 90);
  });

  test("--as-of: a time or a place in the chain", async () => {
    await timeline(REMEDIATION, "--as-of", "2026-09-14T07:50:00Z");
    assert.deepEqual(
      [asked?.asOf?.moment.case, String(Object(asked?.asOf?.moment.value).seconds)],
      ["time", "1789372200"],
    );
    await timeline(REMEDIATION, "--as-of", "57");
    assert.deepEqual(asked?.asOf?.moment, { case: "chainPosition", value: 57n });
    assert.equal((await timeline(REMEDIATION, "--as-of", "soon")).code, 2);
  });

  test("--html: a page in a file, or on standard output", async () => {
    const file = join(folder.write("empty", []), "..", "timeline.html");
    const { code, stdout, stderr } = await timeline(REMEDIATION, "--html", file);
    assert.deepEqual([code, stdout, stderr], [0, "", `Wrote ${file}\n`]);
    assert.ok(existsSync(file));
    const piped = await timeline(REMEDIATION, "--html", "-");
    assert.equal(piped.stdout, readFileSync(file, "utf8"));
    const past = await timeline(REMEDIATION, "--html", "-", "--as-of", "57");
    assert.ok(past.stdout.includes("<dt>As of</dt><dd><bdi>57</bdi></dd>"));
  });

  test("--html: a file that cannot be written, and --json beside it", async () => {
    const { code, stderr } = await timeline(REMEDIATION, "--html", join(folder.write("a file", []), "timeline.html"));
    assert.equal(code, 1);
    assert.match(stderr, /^datastorage: --html .*timeline\.html cannot be written \(ENOTDIR\)\n$/);
    assert.equal((await timeline(REMEDIATION, "--html", "-", "--json")).code, 2);
  });

  test("a remediation that no event tells of", async () => {
    const { code, stderr } = await timeline("rr-none");
    assert.equal(code, 4);
    assert.equal(
      stderr,
      'datastorage: the service answered NOT_FOUND (REMEDIATION_NOT_FOUND): no event has the correlation_id "rr-none"\n',
    );
  });
});

function notFound(correlationId: string): ConnectError {
  const info = { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: "REMEDIATION_NOT_FOUND" }) };
  return new ConnectError(
    `no event has the correlation_id ${JSON.stringify(correlationId)}`,
    Code.NotFound,
    undefined,
    [info],
  );
}
