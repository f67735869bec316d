import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test, { after } from "node:test";
import { parse } from "csv-parse/sync";
import { parquetReadObjects } from "hyparquet";
import { extract } from "tar-stream";
import { EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { ExportFormat } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { entryOf } from "../../src/integrity/entry.ts";
import { CompactRange } from "../../src/integrity/merkle/compact_range.ts";
import { leafHash } from "../../src/integrity/merkle/hash.ts";
import { alignedSubtrees } from "../../src/integrity/merkle/subtrees.ts";
import { parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { parseNote, parseVerifierKey } from "../../src/integrity/note/signed_note.ts";
import { verifyBundle } from "../../src/integrity/offline/verify_bundle.ts";
import { errorOf, listAll, newEvent, newEvents, startAuditService } from "../support/audit_service.ts";
import { exportAll, startSigningService } from "../support/exported.ts";
import { adminUrl } from "../support/server.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

const { BUNDLE, JSONL, CSV, PARQUET } = ExportFormat;
const { client, admin } = await startSigningService({ after });

// Odd texts, several parts of a bundle, correlations that lie among each other.
const ODD = 'an "odd" = text,\r\nwith \u0001, \u001f, %s, %1$s, \u2028, 😀 and \\';
const odd = newEvent({
  correlationId: "rr-odd",
  errorMessage: ODD,
  errorCode: "=1+1",
  durationMs: 9_007_199_254_740_991n,
  parentEventId: "019a3c5e-8a00-7000-8000-000000000001",
  parentEventDate: "2026-01-02",
  namespace: "prod",
  isSensitive: true,
  payload: { case: "eventDataJson", value: Buffer.from('{"b":[1.5,{"a":null}],"odd":"\\u001f\\"x"}') },
});
await client.recordEvents({ events: [odd] });
for (let batch = 0; batch < 11; batch++) {
  // Within each correlation every other event is a failure.
  const events = newEvents(1000).map((event, index) => ({
    ...event,
    correlationId: `rr-${index % 7}`,
    eventOutcome: index % 14 < 7 ? EventOutcome.SUCCESS : EventOutcome.FAILURE,
  }));
  await client.recordEvents({ events });
}

type Line = Record<string, unknown> & {
  log_index: number;
  log_salt: string;
  event_hash: string;
  chain_position: number;
};
const linesOf = (file: Buffer) =>
  file
    .toString()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

async function unpack(file: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const archive = extract();
  archive.end(file);
  for await (const entry of archive) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    files.set(entry.header.name, Buffer.concat(chunks));
  }
  return files;
}

/** The root over the lines and proofs of a bundle; nothing of the verifier is used. */
function rootOf(files: ReadonlyMap<string, Buffer>): { size: number; root: string } {
  const range = new CompactRange();
  const names = [...files.keys()].filter((name) => name.endsWith(".jsonl"));
  const gaps: { first: number; last: number; hashes: string[] }[] = [];
  const fill = () => {
    const { first, last, hashes } = gaps.shift() as (typeof gaps)[number];
    assert.equal(range.size, first);
    const subtrees = alignedSubtrees(first, last + 1);
    assert.equal(subtrees.length, hashes.length);
    for (const [place, { level }] of subtrees.entries()) {
      range.appendSubtree(level, Buffer.from(hashes[place] as string, "base64"));
    }
  };
  for (const name of names) {
    const lines = linesOf(files.get(name) as Buffer);
    if (name.startsWith("proof-")) gaps.push(...(lines as unknown as typeof gaps));
    else {
      for (const { log_index, log_salt, chain_position, event_hash } of lines) {
        if (log_index > range.size) fill();
        assert.equal(range.size, log_index);
        range.append(leafHash(Buffer.from(entryOf(log_salt, chain_position, event_hash), "hex")));
      }
      assert.equal(gaps.length, 0);
    }
  }
  if (gaps.length > 0) fill();
  return { size: range.size, root: range.root().toString("hex") };
}

/** Checks a bundle by the product's verifier and by the test's own reading, and gives its files. */
async function checked(file: Buffer) {
  const files = await unpack(file);
  const checkpoint = parseCheckpoint(parseNote(files.get("checkpoint") as Buffer).text);
  assert.deepEqual(rootOf(files), { size: checkpoint.size, root: checkpoint.root.toString("hex") });
  const manifest = JSON.parse((files.get("manifest.json") as Buffer).toString());
  const keys = manifest.verifier_keys.map(({ verifier_key }: { verifier_key: string }) =>
    parseVerifierKey(verifier_key),
  );
  const report = await verifyBundle([file] as unknown as AsyncIterable<Uint8Array>, { keys });
  assert.ok(report.vouched);
  return { files, manifest, report, checkpoint };
}

test("a bundle of everything has every event recorded before, in the order of the log, in parts, and verifies", async () => {
  const last = newEvent({ correlationId: "rr-last" });
  await client.recordEvents({ events: [last] });
  const { header, summary, file, largestChunk } = await exportAll(client, {});
  const { files, manifest, report } = await checked(file);
  assert.equal(header.format, BUNDLE);
  assert.equal(header.fileName, `${header.exportId}.tar`);
  assert.ok(largestChunk <= 1024 * 1024);
  const names = [...files.keys()];
  const parts = names.filter((name) => name.startsWith("events-"));
  assert.deepEqual(names.slice(0, 2), ["README.txt", "checkpoint"]);
  assert.deepEqual(names.slice(-3), ["proof-tail.jsonl", "manifest.json", "manifest.note"]);
  assert.deepEqual(
    names.slice(2, -3),
    parts.flatMap((name) => [name.replace("events", "proof"), name]),
  );
  assert.equal(parts.length, 3);
  const PART_BYTES = 4 * 1024 * 1024;
  for (const name of parts.slice(0, -1)) {
    const { length } = files.get(name) as Buffer;
    assert.ok(length >= PART_BYTES && length < PART_BYTES + 2000, `${name} has ${length} bytes`);
  }
  const lines = parts.flatMap((name) => linesOf(files.get(name) as Buffer));
  assert.deepEqual(
    lines.map(({ log_index }) => log_index),
    lines.map((_, index) => index),
  );
  assert.ok(lines.some((line) => line["event_id"] === last.eventId));
  assert.equal(lines.length, Number(header.treeSize));
  assert.equal(lines.length, Number(summary.events));
  assert.equal(report.events, lines.length);
  assert.deepEqual(manifest.filter, {});
  assert.deepEqual([manifest.first_log_index, manifest.last_log_index], [0, lines.length - 1]);
  for (const listed of manifest.files) {
    const content = files.get(listed.name) as Buffer;
    assert.equal(createHash("sha256").update(content).digest("hex"), listed.sha256, listed.name);
  }
});

test("a bundle of one correlation, of a filter and of nothing verify against the same tree", async () => {
  const chain = await exportAll(client, { filter: { correlationId: "rr-3" } });
  const { report } = await checked(chain.file);
  assert.equal(report.wholeCorrelation, "rr-3");
  assert.equal(report.events, (await listAll(client, { filter: { correlationId: "rr-3" }, pageSize: 1000 })).length);
  const filtered = await exportAll(client, {
    filter: { eventTypes: ["datastorage.*"], eventOutcomes: [EventOutcome.PENDING], startTime: { seconds: 1n } },
  });
  const found = await checked(filtered.file);
  assert.ok(found.report.events > 0);
  const nothing = await exportAll(client, { filter: { correlationId: "rr-none" } });
  const empty = await checked(nothing.file);
  assert.equal(empty.report.events, 0);
  assert.equal(empty.manifest.first_log_index, undefined);
  assert.deepEqual([...empty.files.keys()].slice(2, 3), ["proof-tail.jsonl"]);
});

test("a filter that takes every other event leaves thousands of gaps, and each is proven", async () => {
  const filter = { eventOutcomes: [EventOutcome.FAILURE], eventTypes: ["gateway.*"] };
  const { file, summary } = await exportAll(client, { filter });
  const { report, files } = await checked(file);
  assert.equal(report.events, Number(summary.events));
  assert.ok(linesOf(files.get("proof-000001.jsonl") as Buffer).length > 2000);
});

test("the same events under the same checkpoint give the same bytes but for the manifest", async () => {
  const filter = { correlationId: "rr-odd" };
  const [one, other] = [await exportAll(client, { filter }), await exportAll(client, { filter })];
  const [before, behind] = [await unpack(one.file), await unpack(other.file)];
  assert.deepEqual(before.get("events-000001.jsonl"), behind.get("events-000001.jsonl"));
  assert.deepEqual(before.get("README.txt"), behind.get("README.txt"));
  const lines = [
    await exportAll(client, { filter, format: JSONL }),
    await exportAll(client, { filter, format: JSONL }),
  ];
  assert.deepEqual(lines[0]?.file, lines[1]?.file);
  assert.deepEqual(before.get("events-000001.jsonl"), lines[0]?.file);
});

test("JSON lines say what is stored", async () => {
  const { file, header } = await exportAll(client, { filter: { correlationId: "rr-odd" }, format: JSONL });
  const [line] = linesOf(file) as [Line];
  const [stored] = await listAll(client, { filter: { correlationId: "rr-odd" } });
  assert.equal(header.mediaType, "application/jsonl");
  assert.equal(line["error_message"], ODD);
  assert.equal(line["duration_ms"], 9_007_199_254_740_991);
  assert.deepEqual(line["event_data"], { b: [1.5, { a: null }], odd: '\u001f"x' });
  assert.equal(line.event_hash, stored?.eventHash);
  assert.equal(line.log_index, Number(stored?.logIndex));
  assert.match(line["event_timestamp"] as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.equal(Object.hasOwn(line, "cluster_name"), false);
});

test("CSV is read back as it was stored", async () => {
  const { file, summary } = await exportAll(client, { format: CSV });
  const rows = parse<Record<string, string>>(file, { columns: true, record_delimiter: "\r\n" });
  assert.equal(rows.length, Number(summary.events));
  const first = rows.find((row) => row["event_id"] === odd.eventId);
  assert.equal(first?.["error_message"], ODD);
  assert.equal(first?.["error_code"], "=1+1");
  assert.equal(first?.["cluster_name"], "");
  assert.deepEqual(JSON.parse(first?.["event_data"] ?? ""), { b: [1.5, { a: null }], odd: '\u001f"x' });
  assert.deepEqual(
    rows.map((row) => Number(row["log_index"])),
    rows.map((_, index) => index),
  );
});

test("Parquet is read back as it was stored", async () => {
  const { file, summary } = await exportAll(client, { format: PARQUET });
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer;
  const rows = (await parquetReadObjects({ file: bytes })) as Record<string, unknown>[];
  assert.equal(rows.length, Number(summary.events));
  const first = rows.find((row) => row["event_id"] === odd.eventId);
  assert.equal(first?.["error_message"], ODD);
  assert.equal(first?.["duration_ms"], 9_007_199_254_740_991n);
  assert.equal(first?.["is_sensitive"], true);
  assert.equal(first?.["cluster_name"], null);
  assert.ok(first?.["event_timestamp"] instanceof Date);
  assert.deepEqual(JSON.parse(first?.["event_data"] as string), { b: [1.5, { a: null }], odd: '\u001f"x' });
  assert.deepEqual(
    rows.map((row) => Number(row["log_index"])),
    rows.map((_, index) => index),
  );
});

test("an export of nothing is whole in every format", async () => {
  for (const format of [JSONL, CSV, PARQUET]) {
    const { file, summary } = await exportAll(client, { filter: { correlationId: "rr-none" }, format });
    assert.equal(summary.events, 0n);
    if (format === JSONL) assert.equal(file.length, 0);
    if (format === CSV) assert.equal(file.toString().split("\r\n").length, 2);
    if (format === PARQUET) assert.equal(file.subarray(0, 4).toString(), "PAR1");
  }
});

test("each export leaves an event before its first chunk and one at its end", async () => {
  const filter = { correlationId: "rr-odd", eventData: { odd: '\u001f"x' } };
  const { header, summary } = await exportAll(client, { filter, format: JSONL });
  const [started, finished] = await listAll(client, {
    filter: { correlationId: header.exportId },
    orderBy: "chain_position",
  });
  assert.equal(started?.eventType, "datastorage.export.started");
  assert.equal(started?.actorId, "anonymous");
  assert.deepEqual(started?.payload.value, {
    format: "jsonl",
    filter: { correlation_id: "rr-odd", event_data: '{"odd":"\\u001f\\"x"}' },
    tree_size: Number(header.treeSize),
  });
  assert.equal(finished?.eventType, "datastorage.export.finished");
  assert.equal(finished?.eventOutcome, EventOutcome.SUCCESS);
  const { events, bytes, sha256 } = (finished?.payload.value ?? {}) as Record<string, unknown>;
  assert.deepEqual({ events, bytes, sha256 }, { events: 1, bytes: Number(summary.bytes), sha256: summary.sha256 });
});

test("a caller that goes away ends the export, which leaves an event of that", async () => {
  const gone = new AbortController();
  let exportId = "";
  await assert.rejects(async () => {
    for await (const { part } of client.exportEvents({ format: JSONL }, { signal: gone.signal })) {
      if (part.case === "header") exportId = part.value.exportId;
      if (part.case === "chunk") gone.abort();
    }
  });
  for (;;) {
    const events = await listAll(client, { filter: { correlationId: exportId }, orderBy: "chain_position" });
    const finished = events[1];
    if (finished === undefined) continue;
    assert.equal(finished.eventOutcome, EventOutcome.FAILURE);
    assert.equal((finished.payload.value as Record<string, unknown>)["reason"], "CALLER_GONE");
    break;
  }
  await untilIdle();
});

test("a database that goes away in the middle is told, with a time to come again", async (context) => {
  const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
  context.after(() => proxy.close());
  const { client } = await startAuditService(context, {}, proxy.port);
  const note = "x".repeat(200_000);
  for (let batch = 0; batch < 10; batch++) {
    const events = newEvents(8, { payload: { case: "eventData", value: { note } } });
    await client.recordEvents({ events });
  }
  let bytes = 0;
  const { code, retryMs } = await errorOf(
    (async () => {
      for await (const { part } of client.exportEvents({ format: JSONL })) {
        if (part.case !== "chunk") continue;
        bytes += part.value.length;
        proxy.onConnect = "close";
        proxy.reset();
      }
    })(),
  );
  assert.equal(code, "Unavailable");
  assert.ok((retryMs ?? 0) > 0);
  assert.ok(bytes > 0 && bytes < 80 * note.length, `${bytes} bytes`);
  proxy.onConnect = "pass";
});

/** Resolves when no statement of the service reads events any more. */
async function untilIdle(): Promise<void> {
  for (;;) {
    const rows = await admin`
      SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()`;
    if (rows.length === 0) return;
  }
}

test("bad filters are refused, and nothing is recorded of them", async () => {
  const { code } = await errorOf(exportAll(client, { filter: { startTime: { seconds: -99_999_999_999n } } }));
  assert.equal(code, "InvalidArgument");
});

test("without a key there are no bundles, and the reason is told; the other formats are there", async (context) => {
  const unsigned = await startAuditService(context);
  await unsigned.client.recordEvents({ events: newEvents(3) });
  const { code, error } = await errorOf(exportAll(unsigned.client, {}));
  assert.equal(code, "FailedPrecondition");
  assert.match(error.rawMessage, /DATASTORAGE_LOG_KEY/);
  const { summary } = await exportAll(unsigned.client, { format: JSONL });
  assert.equal(summary.events, 3n);
});
