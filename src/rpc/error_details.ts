import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "../../gen/ts/google/rpc/error_details_pb.ts";
import type { Fault, Violation } from "../fault.ts";

/** A message of google.rpc that goes out with an error. */
export interface ErrorDetail<Desc extends DescMessage = DescMessage> {
  readonly desc: Desc;
  readonly value: MessageShape<Desc>;
}

/** ErrorInfo.domain of every error of this service. */
export const ERROR_DOMAIN = "kubernaut.ai";

/** What RetryInfo says where nobody knows better, in milliseconds. */
export const DEFAULT_RETRY_MS = 1000;

/**
 * Bounds for what travels in trailers, in bytes of UTF-8. gRPC clients refuse metadata over 8 KiB (grpc-java) or drop the
 * whole answer (gRPC C-core, 16 KiB), and details travel in base64, the message three times as long in the worst case.
 */
const MESSAGE_BYTES = 512;
const VIOLATIONS_BYTES = 2000;
const VIOLATION_BYTES = 400;
const METADATA_BYTES = 512;

/** The text cut to what an error message may have, without half characters. */
export function boundedMessage(text: string): string {
  return bounded(text, MESSAGE_BYTES);
}

/** ErrorInfo with a reason in UPPER_SNAKE and facts that a program can read. */
export function errorInfo(reason: string, metadata: Readonly<Record<string, string>> = {}): ErrorDetail {
  const kept: Record<string, string> = {};
  let room = METADATA_BYTES;
  for (const [key, value] of Object.entries(metadata)) {
    room -= Buffer.byteLength(key);
    if (room <= 0) break;
    kept[key] = bounded(value, room);
    room -= Buffer.byteLength(kept[key]);
  }
  return detail(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata: kept }));
}

/** RetryInfo: the caller may try again after so many milliseconds. */
export function retryInfo(afterMs: number): ErrorDetail {
  const wholeMs = Math.max(0, Math.round(afterMs));
  const retryDelay = { seconds: BigInt(Math.floor(wholeMs / 1000)), nanos: (wholeMs % 1000) * 1_000_000 };
  return detail(RetryInfoSchema, create(RetryInfoSchema, { retryDelay }));
}

/**
 * BadRequest with the violations that fit into trailers; the last one tells how many were left out, so that nobody takes the
 * list for the whole.
 */
export function badRequest(violations: readonly Violation[]): ErrorDetail {
  const fieldViolations: { field: string; description: string }[] = [];
  let room = VIOLATIONS_BYTES;
  for (const violation of violations) {
    const field = bounded(violation.field, VIOLATION_BYTES);
    const description = bounded(violation.description, VIOLATION_BYTES);
    room -= Buffer.byteLength(field) + Buffer.byteLength(description) + 8;
    if (room < 0) {
      const left = violations.length - fieldViolations.length;
      fieldViolations.push({ field: "", description: `and ${left} more` });
      break;
    }
    fieldViolations.push({ field, description });
  }
  return detail(BadRequestSchema, create(BadRequestSchema, { fieldViolations }));
}

/** The google.rpc details that a fault calls for. */
export function detailsOf(fault: Fault): ErrorDetail[] {
  const { reason, metadata, violations, resource, retryAfterMs } = fault.details;
  const details = [errorInfo(reason, metadata)];
  const description = boundedMessage(fault.message);
  const type = bounded(resource?.type ?? "", VIOLATION_BYTES);
  const name = bounded(resource?.name ?? "", VIOLATION_BYTES);
  if (violations !== undefined && violations.length > 0) details.push(badRequest(violations));
  if (fault.kind === "exhausted" || fault.kind === "unavailable") {
    details.push(retryInfo(retryAfterMs ?? DEFAULT_RETRY_MS));
  }
  if (fault.kind === "precondition") {
    const subject = resource === undefined ? "" : bounded(`${type}/${name}`, VIOLATION_BYTES);
    const failure = create(PreconditionFailureSchema, { violations: [{ type: reason, subject, description }] });
    details.push(detail(PreconditionFailureSchema, failure));
  }
  if (resource !== undefined) {
    const info = create(ResourceInfoSchema, { resourceType: type, resourceName: name, description });
    details.push(detail(ResourceInfoSchema, info));
  }
  return details;
}

function detail<Desc extends DescMessage>(desc: Desc, value: MessageShape<Desc>): ErrorDetail {
  return { desc, value };
}

/** Cuts text to a number of bytes; lone surrogates, which no header and no protobuf string can hold, are replaced. */
function bounded(text: string, maxBytes: number): string {
  const whole = text.toWellFormed();
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  const kept = new TextEncoder().encodeInto(whole, new Uint8Array(Math.max(0, maxBytes - 3)));
  return `${whole.slice(0, kept.read)}…`;
}
