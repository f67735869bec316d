import { execFile } from "node:child_process";
import { closeSync, mkdtempSync, openSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ExportEventsRequestSchema,
  ExportEventsResponseSchema,
  ExportFormat,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Sql } from "../../src/postgres/pool.ts";
import { envelope, GrpcConnection } from "../grpc.ts";
import { median } from "../statistics.ts";
import { type Pids, using } from "./pids.ts";

/** Everything that is stored, exported and copied, in events a second; of the rounds the medians. */
export interface ExportTimes {
  readonly events: number;
  readonly copy: ExportRate;
  readonly bundle: ExportRate;
  readonly jsonl: ExportRate;
  /** Over COPY. */
  readonly bundle_vs_copy: number;
  readonly jsonl_vs_copy: number;
  /** `datastorage verify` of the bundle, with its start. */
  readonly verify_events_per_second: number;
}

export interface ExportRate {
  readonly events_per_second: number;
  readonly mb_per_second: number;
  /** CPU of one event in microseconds; of the service NaN for COPY. */
  readonly service_us: number;
  readonly postgres_us: number;
}

interface Taken {
  readonly events: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Of CPU. */
  readonly used: Record<keyof Pids, number>;
}

const cli = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Exports and copies in turn. What is exported leaves two events each time, which are in what comes after. */
export async function measureExports(
  address: string,
  pids: Pids,
  sql: Sql,
  rounds: number,
  covered: () => Promise<unknown>,
): Promise<ExportTimes> {
  const folder = mkdtempSync(join(tmpdir(), "datastorage-bench-export-"));
  const bundleFile = join(folder, "bundle.tar");
  const taken = { copy: [] as Taken[], bundle: [] as Taken[], jsonl: [] as Taken[] };
  const exported = async (format: ExportFormat, file: string | undefined) => {
    await covered();
    return using(pids, () => exportAll(address, format, file));
  };
  try {
    const verified: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const turns = [
        async () => taken.copy.push(await using(pids, () => copyAll(sql))),
        async () => taken.bundle.push(await exported(ExportFormat.BUNDLE, undefined)),
        async () => taken.jsonl.push(await exported(ExportFormat.JSONL, undefined)),
      ];
      for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
    }
    const { events } = await exported(ExportFormat.BUNDLE, bundleFile);
    for (let one = 0; one < rounds; one++) verified.push(events / (await verifySeconds(bundleFile)));
    // The first round does not count.
    const [copy, bundle, jsonl] = [
      rateOf(taken.copy.slice(1)),
      rateOf(taken.bundle.slice(1)),
      rateOf(taken.jsonl.slice(1)),
    ];
    return {
      events,
      copy,
      bundle,
      jsonl,
      bundle_vs_copy: bundle.events_per_second / copy.events_per_second,
      jsonl_vs_copy: jsonl.events_per_second / copy.events_per_second,
      verify_events_per_second: median(verified),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function rateOf(taken: readonly Taken[]): ExportRate {
  const of = (value: (one: Taken) => number) => median(taken.map(value));
  return {
    events_per_second: of(({ events, seconds }) => events / seconds),
    mb_per_second: of(({ bytes, seconds }) => bytes / seconds / 1e6),
    service_us: of(({ events, used }) => (used.service * 1e6) / events),
    postgres_us: of(({ events, used }) => (used.postgres * 1e6) / events),
  };
}

/** Reads an export to its end, to a file or nowhere. */
async function exportAll(address: string, format: ExportFormat, file: string | undefined) {
  const connection = await GrpcConnection.open(address);
  const descriptor = file === undefined ? undefined : openSync(file, "w");
  const framed = envelope(toBinary(ExportEventsRequestSchema, create(ExportEventsRequestSchema, { format })));
  let [events, bytes] = [-1, 0];
  const begun = performance.now();
  const call = connection.call("ExportEvents", (messages) => {
    for (const message of messages) {
      const { part } = fromBinary(ExportEventsResponseSchema, message);
      if (part.case === "summary") events = Number(part.value.events);
      if (part.case !== "chunk") continue;
      bytes += part.value.byteLength;
      if (descriptor !== undefined) writeSync(descriptor, part.value);
    }
  });
  call.write(framed);
  call.end();
  await call.ended;
  const seconds = (performance.now() - begun) / 1000;
  if (descriptor !== undefined) closeSync(descriptor);
  connection.close();
  if (events < 0) throw new Error("the export ended without its summary");
  return { events, bytes, seconds };
}

/** What an export without proofs would be by PostgreSQL alone: the same rows with their salts. */
async function copyAll(sql: Sql): Promise<Omit<Taken, "used">> {
  const begun = performance.now();
  const stream = await sql.unsafe(COPY).readable();
  let [bytes, events] = [0, 0];
  for await (const piece of stream as AsyncIterable<Buffer>) {
    bytes += piece.byteLength;
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) events++;
  }
  return { events, bytes, seconds: (performance.now() - begun) / 1000 };
}

const COPY = "COPY (SELECT event.* FROM audit_events AS event) TO STDOUT";

async function verifySeconds(file: string): Promise<number> {
  const begun = performance.now();
  await promisify(execFile)(process.execPath, [cli, "verify", file], { maxBuffer: 2 ** 26 });
  return (performance.now() - begun) / 1000;
}
