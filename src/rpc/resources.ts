import type { Duration } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus } from "@connectrpc/connect/protocol-connect";
import type { Logger } from "pino";
import { RetryInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { Fault } from "../fault.ts";
import { toConnectError } from "./errors.ts";
import type { HandlersAtWork } from "./interceptors.ts";

/** Something that is read by plain HTTP, whole. */
export interface Resource {
  readonly body: Uint8Array<ArrayBuffer>;
  /** Media type, for `Content-Type`. */
  readonly contentType: string;
  /** How long whoever keeps it may use it, for `Cache-Control`. */
  readonly cacheControl: string;
}

/** What is served by plain HTTP (GET and HEAD) below a path, beside the calls. It knows nothing of versions of HTTP. */
export interface Resources {
  /** The one path that it stands for, or, where it ends in `/`, all that begin so. */
  readonly path: string;
  /**
   * Reads what stands at a path (without query); undefined: there is nothing (404). A Fault becomes the HTTP status that
   * Connect has for it, with its message and, where it says when to try again, Retry-After: `unavailable` 503.
   */
  read(path: string, signal: AbortSignal): Promise<Resource | undefined>;
}

/** What resources are read with. */
export interface ReadingTerms {
  readonly resources: readonly Resources[];
  readonly log: Logger;
  readonly atWork: HandlersAtWork;
  /** Aborted, with the error for those who are cut off, when the time for closing is up. */
  readonly cut: AbortSignal;
}

/** Answers a request whose path is a resource's; undefined: it is none's. */
export type AnswerPlain = (
  method: string,
  path: string,
  signal: AbortSignal,
) => Promise<UniversalServerResponse> | undefined;

/** Reads that are under way at once, over all connections: one more is refused, and none waits for long. */
const READS_AT_ONCE = 512;
/** Longest time for one of them, in milliseconds. */
const READ_MS = 10_000;
const RETRY_AFTER_MS = 1000;

/** Answers GET and HEAD for the resources, and 405 for whatever else is tried on them. */
export function answerResources(terms: ReadingTerms): AnswerPlain {
  const reads = { count: 0 };
  return (method, path, signal) => {
    const found = terms.resources.find((one) =>
      one.path.endsWith("/") ? path.startsWith(one.path) : path === one.path,
    );
    if (found === undefined) return undefined;
    if (method !== "GET" && method !== "HEAD") return Promise.resolve(empty(405, { allow: "GET, HEAD" }));
    return answerRead(found, method, path, signal, reads, terms);
  };
}

async function answerRead(
  resources: Resources,
  method: string,
  path: string,
  ended: AbortSignal,
  reads: { count: number },
  { log, atWork, cut }: ReadingTerms,
): Promise<UniversalServerResponse> {
  const late = new AbortController();
  const signal = AbortSignal.any([ended, cut, late.signal]);
  const timer = setTimeout(() => late.abort(tooLate()), READ_MS);
  try {
    if (reads.count >= READS_AT_ONCE) throw tooMany();
    reads.count += 1;
    atWork.begin();
    const reading = resources.read(path, signal).finally(() => {
      reads.count -= 1;
      atWork.end();
    });
    const resource = await unlessAborted(signal, reading);
    return resource === undefined ? empty(404) : whole(200, method, fieldsOf(resource), resource.body);
  } catch (error) {
    return failed(method, toConnectError(error, log, signal));
  } finally {
    clearTimeout(timer);
  }
}

function fieldsOf({ contentType, cacheControl }: Resource): Record<string, string> {
  return { "content-type": contentType, "cache-control": cacheControl, "x-content-type-options": "nosniff" };
}

/** What a failure is by plain HTTP. No cache may keep it. */
function failed(method: string, error: ConnectError): UniversalServerResponse {
  const [retry] = error.findDetails(RetryInfoSchema);
  const fields: Record<string, string> = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  if (retry?.retryDelay !== undefined) fields["retry-after"] = wholeSeconds(retry.retryDelay);
  return whole(codeToHttpStatus(error.code), method, fields, Buffer.from(`${error.rawMessage}\n`));
}

function wholeSeconds({ seconds, nanos }: Duration): string {
  return String(Math.max(1, Number(seconds) + Math.ceil(nanos / 1e9)));
}

function whole(
  status: number,
  method: string,
  fields: Readonly<Record<string, string>>,
  body: Uint8Array<ArrayBuffer>,
): UniversalServerResponse {
  const header = new Headers({ ...fields, "content-length": String(body.byteLength) });
  // Node ends the answer to HEAD with its headers: over HTTP/2 it fails where a body follows.
  return method === "HEAD" ? { status, header } : { status, header, body: once(body) };
}

function empty(status: number, fields: Readonly<Record<string, string>> = {}): UniversalServerResponse {
  return { status, header: new Headers({ ...fields, "content-length": "0" }) };
}

async function* once(body: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield body;
}

/** Waits no longer than until `signal` is aborted. */
async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([aborted.promise, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function tooMany(): Fault {
  const message = `${READS_AT_ONCE} reads are under way`;
  return new Fault("exhausted", message, { reason: "TOO_MANY_READS", retryAfterMs: RETRY_AFTER_MS });
}

function tooLate(): Fault {
  const message = `it could not be read within ${READ_MS / 1000} s`;
  return new Fault("unavailable", message, { reason: "READ_TOO_SLOW", retryAfterMs: RETRY_AFTER_MS });
}
