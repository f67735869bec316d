import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";

/** How a call is spoken. */
export type Protocol = "grpc" | "grpc-web" | "connect";

/** What the headers of a request say about its form. */
export interface RequestForm {
  /** Undefined: no protocol of RPC, a browser or a scanner. */
  readonly protocol: Protocol | undefined;
  /** Whether messages come in envelopes. */
  readonly enveloped: boolean;
  /** Whether messages are JSON. */
  readonly json: boolean;
}

/** Tells the protocol of a request from its Content-Type. */
export function formOf(contentType: string | undefined): RequestForm {
  const type = contentType?.toLowerCase() ?? "";
  const json = /[/+]json\b/.test(type);
  if (type.startsWith("application/grpc-web")) return { protocol: "grpc-web", enveloped: true, json };
  if (type.startsWith("application/grpc")) return { protocol: "grpc", enveloped: true, json };
  if (type.startsWith("application/connect+")) return { protocol: "connect", enveloped: true, json };
  if (/^application\/(json|proto)(;|$)/.test(type)) return { protocol: "connect", enveloped: false, json };
  return { protocol: undefined, enveloped: false, json: false };
}

/** The longest that a timer of Node can wait, in milliseconds (24.8 days): with more it fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * Bounds the deadline in the headers of a call: one that is later than `maxMs`, or absent, becomes `maxMs` (undefined: no
 * bound but that of a timer). Malformed ones are left for the protocol to refuse.
 */
export function boundDeadline(headers: Headers, protocol: Protocol, maxMs: number | undefined): void {
  const name = protocol === "connect" ? "connect-timeout-ms" : "grpc-timeout";
  const value = headers.get(name);
  const wantedMs = value === null ? undefined : parseTimeout(value, protocol);
  if (value !== null && wantedMs === undefined) return;
  if (maxMs === undefined && (wantedMs === undefined || wantedMs <= MAX_TIMER_MS)) return;
  const limitMs = Math.min(maxMs ?? MAX_TIMER_MS, MAX_TIMER_MS);
  if (wantedMs !== undefined && wantedMs <= limitMs) return;
  headers.set(name, protocol === "connect" ? String(limitMs) : `${Math.floor(limitMs / 1000)}S`);
}

function parseTimeout(value: string, protocol: Protocol): number | undefined {
  if (protocol === "connect") return /^\d{1,10}$/.test(value) ? Number(value) : undefined;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(value) ?? [];
  return digits === undefined || unit === undefined ? undefined : Number(digits) * (UNIT_MS[unit] ?? 1);
}

/** An error as the protocol of a call says it; plain 404, without an error, for what is no call. */
export function errorResponse(error?: ConnectError, protocol?: Protocol): UniversalServerResponse {
  if (error === undefined || protocol === undefined)
    return { status: 404, header: new Headers({ "content-length": "0" }) };
  if (protocol === "connect") {
    const header = new Headers({ "content-type": "application/json" });
    return { status: codeToHttpStatus(error.code), header, body: once(errorToJsonBytes(error, undefined)) };
  }
  // gRPC reads the status from trailers; the short form without them needs END_STREAM on the headers, which Node never sets.
  if (protocol === "grpc") {
    const header = new Headers({ "content-type": "application/grpc" });
    return { status: 200, header, trailer: setTrailerStatus(new Headers(), error) };
  }
  const header = new Headers({ "content-type": "application/grpc-web+proto" });
  return { status: 200, header: setTrailerStatus(header, error) };
}

/**
 * Writes grpc-message as the specification of gRPC over HTTP/2 does: nothing but `%` and what is not printable ASCII is
 * percent-encoded. The framework encodes reserved characters too, and clients that leave these as they are (grpc-js) would
 * show `event_id%3A`.
 */
export function plainGrpcMessage(trailer: Headers): Headers {
  const encoded = trailer.get("grpc-message");
  if (encoded !== null) {
    const text = decodeURIComponent(encoded);
    trailer.set("grpc-message", text.replaceAll(/[^ -$&-~]+|^ +| +$/gu, encodeURIComponent));
  }
  return trailer;
}

/** The error for a path that is no RPC of this server. */
export function unknownMethod(path: string): ConnectError {
  return new ConnectError(`there is no method ${path.slice(0, 200)}`, Code.Unimplemented);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
