import type { HandlerContext, Interceptor } from "@connectrpc/connect";
import { Code, ConnectError, type ConnectRouter, createConnectRouter, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip, universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import type { Logger } from "pino";
import { Call, callKey, type RpcTelemetry } from "./call.ts";
import type { Connection } from "./connection.ts";
import { become, isMapped, toConnectError, toReadError } from "./errors.ts";
import { isDelivered, isLost, type NodeRequest, type NodeResponse, piecesOf, writeAnswer } from "./exchange.ts";
import { drainingKey, type HandlersAtWork, handleCalls, validateRequests } from "./interceptors.ts";
import { checkBinaryShape, checkJsonShape } from "./message_shape.ts";
import { type Authorize, principalKey } from "./principal.ts";
import { boundDeadline, errorResponse, formOf, type RequestForm, unknownMethod } from "./protocol.ts";
import { type BodyTerms, readBody } from "./request_body.ts";
import { type AnswerPlain, answerResources, type Resources } from "./resources.ts";

/** Longest message that leaves, in bytes: what gRPC clients take when nothing else is configured. */
export const MAX_REPLY_BYTES = 4 * 1024 * 1024;

/** Longest time for a call with one request and one answer, in milliseconds, also for callers that set no deadline. */
export const MAX_UNARY_MS = 10 * 60_000;

/** Longest time in which a message that has begun must have arrived, in milliseconds. */
const MESSAGE_TIMEOUT_MS = 30_000;

export interface HandlerOptions {
  readonly routes: readonly ((router: ConnectRouter) => void)[];
  readonly resources: readonly Resources[];
  readonly interceptors: readonly Interceptor[];
  readonly maxRequestBytes: number;
  readonly authorize: Authorize;
  readonly telemetry: RpcTelemetry;
  readonly log: Logger;
  readonly atWork: HandlersAtWork;
  /** Aborted, with the error for those who are cut off, when the time for closing is up. */
  readonly cut: AbortSignal;
  /** The connection that a request came over. */
  readonly connectionOf: (request: NodeRequest) => Connection;
}

/**
 * The function that answers every request of both HTTP versions: gRPC, gRPC-Web and Connect for the routes, an error in
 * the caller's own protocol for all other methods, resources for plain GET and HEAD, 404 for what is no call.
 *
 * It does what connectNodeAdapter of @connectrpc/connect-node does, and besides: bounds deadlines, accounts for request
 * memory, maps the errors of the framework itself, and never lets a request (a Host that is no host) end the process.
 */
export function createRequestHandler(options: HandlerOptions): (request: NodeRequest, response: NodeResponse) => void {
  const handlers = new Map(routerOf(options).handlers.map((handler) => [handler.requestPath, handler]));
  const answering = { ...options, answerPlain: answerResources(options) };
  return (request, response) => {
    response.on("error", () => {});
    request.on("error", () => {});
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const form = formOf(request.headers["content-type"]);
    answer(handlers.get(path), path, form, request, response, answering).catch((error: unknown) => {
      if (!isLost(response)) options.log.error({ err: error, path }, "a request could not be answered");
      response.destroy();
    });
  };
}

function routerOf(options: HandlerOptions): ConnectRouter {
  const { log, authorize } = options;
  const router = createConnectRouter({
    // A misspelt field would otherwise be lost without a word.
    jsonOptions: { ignoreUnknownFields: false },
    acceptCompression: COMPRESSIONS,
    binaryOptions: { readUnknownFields: false },
    readMaxBytes: options.maxRequestBytes,
    writeMaxBytes: MAX_REPLY_BYTES,
    shutdownSignal: options.cut,
    interceptors: [handleCalls(log, options.atWork), ...options.interceptors, validateRequests],
    requestGate: async (context) => {
      watchEnd(context, log);
      try {
        await authorize(context.values.get(principalKey), context.method);
      } catch (error) {
        throw toConnectError(error, log, context.signal);
      }
    },
  });
  for (const route of options.routes) route(router);
  return router;
}

/** What a HandlerContext also has, though its type keeps it back: the framework ends a call with it, for better or worse. */
type EndingContext = HandlerContext & { abort?: (reason?: unknown) => void };

/**
 * Follows a call to its end. Errors that the framework raises outside of all interceptors (while it reads a single request,
 * or writes an answer) pass nowhere but through the context's abort(), just before they are written out.
 */
function watchEnd(context: EndingContext, log: Logger): void {
  const call = context.values.get(callKey);
  const abort = context.abort?.bind(context);
  if (call === undefined || abort === undefined) return;
  call.signal = context.signal;
  context.abort = (reason) => {
    if (reason instanceof Error && reason.name !== "AbortError")
      call.code = mapInPlace(reason, call.answered, log).code;
    abort(reason);
  };
}

/** The error that the caller gets for one of the framework's, which becomes it where the framework will send it as it is. */
function mapInPlace(error: Error, answered: boolean, log: Logger): ConnectError {
  if (isMapped(error)) return error;
  const mapped = answered ? toConnectError(error, log) : toReadError(error, log);
  if (error instanceof ConnectError) become(error, mapped);
  return mapped;
}

interface AnswerOptions extends HandlerOptions {
  readonly answerPlain: AnswerPlain;
}

async function answer(
  handler: UniversalHandler | undefined,
  path: string,
  form: RequestForm,
  request: NodeRequest,
  response: NodeResponse,
  options: AnswerOptions,
): Promise<void> {
  let universal: UniversalServerRequest;
  try {
    universal = universalRequestFromNodeRequest(request, response, undefined, createContextValues());
  } catch {
    return writeAnswer({ status: 400, header: new Headers({ "content-length": "0" }) }, request, response);
  }
  const { protocol } = form;
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (handler === undefined && (protocol === undefined || isRead)) {
    const plain = await options.answerPlain(universal.method, path, universal.signal);
    if (plain !== undefined || protocol === undefined) return writeAnswer(plain ?? errorResponse(), request, response);
  }
  const call = new Call(handler?.method, protocol ?? "connect", universal.header, options.telemetry);
  call.signal = universal.signal;
  response.once("close", () => call.end(isDelivered(response)));
  if (handler === undefined) {
    const error = toConnectError(unknownMethod(path), options.log);
    call.code = error.code;
    return writeAnswer(errorResponse(error, protocol), request, response);
  }
  const reply = await handler(prepared(universal, handler, form, request, call, options));
  if (NO_CALL.has(reply.status)) call.code = Code.Unimplemented;
  await writeAnswer(reply, request, response);
}

/** HTTP statuses with which the framework refuses what it does not take for a call: bad verb, media type or HTTP version. */
const NO_CALL: ReadonlySet<number> = new Set([405, 415, 505]);

/** The request as the framework is to see it: body accounted for, deadline bounded, context filled. */
function prepared(
  universal: UniversalServerRequest,
  handler: UniversalHandler,
  form: RequestForm,
  request: NodeRequest,
  call: Call,
  options: HandlerOptions,
): UniversalServerRequest {
  const connection = options.connectionOf(request);
  const { header } = universal;
  const kind = handler.method.methodKind;
  if (form.protocol !== undefined) boundDeadline(header, form.protocol, kind === "unary" ? MAX_UNARY_MS : undefined);
  const length = header.get("content-length");
  const decompress = decompressionOf(header, form);
  // Without them the framework takes the body as it is given, instead of reserving what is announced and decompressing again.
  header.delete("content-length");
  if (decompress !== undefined) header.delete("content-encoding");
  else for (const name of ACCEPTED_ENCODINGS) header.delete(name);
  universal.contextValues
    ?.set(callKey, call)
    .set(principalKey, connection.principal)
    .set(drainingKey, connection.draining);
  const terms = {
    maxBytes: options.maxRequestBytes,
    enveloped: form.enveloped,
    announcedBytes: length === null ? undefined : Number(length),
    decompress,
    check: form.json ? checkJsonShape : checkBinaryShape,
    streaming: kind === "bidi_streaming" || kind === "client_streaming",
    messageTimeoutMs: MESSAGE_TIMEOUT_MS,
    memory: connection.memory,
  };
  const body = { [Symbol.asyncIterator]: () => readBody(piecesOf(request), { ...terms, ended: call.signal }) };
  return { ...universal, body };
}

const COMPRESSIONS = [compressionGzip, compressionBrotli];

/**
 * Where clients say how an answer may be compressed. As with grpc-go, only those get one who compress what they send: most
 * accept gzip without being asked, and it costs more than everything else that an answer of a thousand results takes.
 */
const ACCEPTED_ENCODINGS = ["grpc-accept-encoding", "connect-accept-encoding", "accept-encoding"];

/** How the messages of a request are decompressed; undefined where they are not, or in a way that is not supported. */
function decompressionOf(header: Headers, { protocol, enveloped }: RequestForm): BodyTerms["decompress"] {
  const connectHeader = enveloped ? "connect-content-encoding" : "content-encoding";
  const encoding = header.get(protocol === "connect" ? connectHeader : "grpc-encoding");
  return COMPRESSIONS.find(({ name }) => name === encoding)?.decompress;
}
