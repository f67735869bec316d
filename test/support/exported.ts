import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ExportEventsRequestSchema,
  ExportHeader,
  ExportProgress,
  ExportSummary,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import { type AuditClient, type AuditTestService, type Scope, startAuditService } from "./audit_service.ts";

/** Starts a service that signs its log; its key and folder are the test's own. */
export async function startSigningService(scope: Scope): Promise<AuditTestService> {
  const dataDir = mkdtempSync(join(tmpdir(), "datastorage-export-"));
  const service = await startAuditService(scope, {
    DATASTORAGE_DATA_DIR: dataDir,
    DATASTORAGE_LOG_KEY: newPrivateKey(),
    DATASTORAGE_LOG_ORIGIN: "log.example/export",
  });
  scope.after(async () => rmSync(dataDir, { recursive: true, force: true }));
  return service;
}

/** An export as its caller got it. */
export interface Exported {
  readonly header: ExportHeader;
  readonly summary: ExportSummary;
  readonly file: Buffer;
  readonly progress: readonly ExportProgress[];
  /** Bytes of its largest chunk. */
  readonly largestChunk: number;
}

/** Exports, and checks the order of the parts and the summary against the bytes. */
export async function exportAll(
  client: AuditClient,
  request: MessageInitShape<typeof ExportEventsRequestSchema>,
): Promise<Exported> {
  let header: ExportHeader | undefined;
  let summary: ExportSummary | undefined;
  const chunks: Uint8Array[] = [];
  const progress: ExportProgress[] = [];
  for await (const { part } of client.exportEvents(request)) {
    if (summary !== undefined) throw new Error("something follows the summary");
    if ((header === undefined) !== (part.case === "header")) throw new Error("the header comes first, and once");
    if (part.case === "header") header = part.value;
    else if (part.case === "chunk") chunks.push(part.value);
    else if (part.case === "progress") progress.push(part.value);
    else if (part.case === "summary") summary = part.value;
  }
  if (header === undefined || summary === undefined) throw new Error("the export is not whole");
  const file = Buffer.concat(chunks);
  const sha256 = createHash("sha256").update(file).digest("hex");
  if (Number(summary.bytes) !== file.length || summary.sha256 !== sha256)
    throw new Error("the summary is not of this file");
  return { header, summary, file, progress, largestChunk: Math.max(0, ...chunks.map((chunk) => chunk.length)) };
}
