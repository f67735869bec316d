import type { ExportEventsRequest, ExportEventsResponse } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Database } from "../../postgres/database.ts";
import type { Logger } from "../../telemetry/logs.ts";
import type { Writer } from "../append/writer.ts";

/** How far the log has come, as an export asks for it. */
export interface ExportedLog {
  /** The log as it stands, and the checkpoint that was published last. */
  state(signal: AbortSignal): Promise<{
    readonly size: number;
    readonly publishedSize: number;
    readonly publishedNote: string | undefined;
  }>;
  /** Resolves when what was recorded before has its index and, with `covered`, a published checkpoint; false: not in time. */
  settled(options: {
    readonly covered: boolean;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<boolean>;
}

/** Reads whole tiles of the log's Merkle tree as they stand now, by `<level>/<index>`. */
export interface ExportedTiles {
  tiles(ids: readonly { readonly level: number; readonly index: number }[]): Promise<ReadonlyMap<string, Buffer>>;
}

/** Signs the manifest of a bundle, as a line of a signed note. */
export interface ExportSigner {
  sign(text: string): { readonly name: string; readonly keyId: Buffer; readonly bytes: Buffer };
}

/** Why this service signs no checkpoints, where it does not. */
export type SealingStatus = "signing" | "no_key" | "contradicted" | "other_origin";

/** What exports need. */
export interface ExportParts {
  /** The pool for reads. */
  readonly database: Database;
  readonly log: ExportedLog;
  readonly tiles: ExportedTiles;
  /** Undefined: this service has no key, and makes no bundles. */
  readonly exportSigner: () => ExportSigner | undefined;
  readonly sealingStatus: () => SealingStatus;
  /** Takes the events about each export. */
  readonly writer: Pick<Writer, "open" | "submit">;
  readonly logger: Pick<Logger, "warn">;
}

/** Who exports, and until when. */
export interface ExportCall {
  /** The authenticated caller. */
  readonly by: string;
  /** Aborted when the caller goes away or the service is about to end. */
  readonly signal: AbortSignal;
}

/**
 * Exports the events of a filter as a file: header, chunks with progress among them, summary. Nothing is read that the
 * consumer has no room for. The request keeps the rules of its proto.
 *
 * @throws Fault `invalid` for a bad filter; `precondition` (NO_CHECKPOINT) for a bundle that no signed checkpoint would cover;
 * `unavailable` when the database or the log cannot be read, or the event about the export cannot be stored.
 */
// biome-ignore lint/correctness/useYield: its body comes with the formats.
export async function* exportEvents(
  _parts: ExportParts,
  _request: ExportEventsRequest,
  _call: ExportCall,
): AsyncGenerator<ExportEventsResponse> {
  throw new Error("not yet");
}
