import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { plainGrpcMessage } from "./protocol.ts";

/** A request as Node shows it, over either HTTP version. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
/** The answer to it. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** How long the rest of a refused HTTP/1.1 request is read and dropped, in milliseconds, so that the refusal arrives. */
const DROP_MS = 1000;

const iterators = new WeakMap<NodeRequest, AsyncIterator<Uint8Array>>();

/** The body of a request as it arrives; always the same iterator, since there is only one body. */
export function piecesOf(request: NodeRequest): AsyncIterator<Uint8Array> {
  const known = iterators.get(request);
  if (known !== undefined) return known;
  const iterator = request[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  iterators.set(request, iterator);
  return iterator;
}

/**
 * Writes an answer, as fast as the connection takes it, and sees to it that nothing more of the request is waited for.
 * Rejects when the connection is lost before that, after the body has been told (by throw) so that its handler ends.
 */
export async function writeAnswer(
  answer: UniversalServerResponse,
  request: NodeRequest,
  response: NodeResponse,
): Promise<void> {
  const body = answer.body?.[Symbol.asyncIterator]();
  try {
    // Headers go out after the first read, so that the handler can still set them.
    let piece = await body?.next();
    if (!("stream" in request) && !request.complete) (response as ServerResponse).shouldKeepAlive = false;
    (response as ServerResponse).writeHead(answer.status, fieldsOf(answer.header));
    while (piece?.done === false) {
      await write(response, piece.value);
      piece = await body?.next();
    }
    if (answer.trailer !== undefined) response.addTrailers(fieldsOf(plainGrpcMessage(answer.trailer)));
    await finish(request, response);
  } catch (error) {
    body?.throw?.(error)?.catch(() => {});
    throw error;
  }
}

async function finish(request: NodeRequest, response: NodeResponse): Promise<void> {
  if ("stream" in request) {
    if (!request.complete) stopRequest(request.stream);
    response.end();
    return;
  }
  // Closing a socket with unread bytes resets it, and a client that is still sending would not see the answer.
  if (!request.complete) await drop(piecesOf(request));
  response.end();
}

/**
 * Asks the client to send no more of its request, once the whole answer is out (RFC 9113, 8.1: RST_STREAM with NO_ERROR),
 * and drops what has arrived of it. Node writes RST_STREAM before an answer that is still in its buffers, which would be
 * lost; and it keeps a stream, and with it a closing connection, until everything that has arrived is read.
 */
function stopRequest(stream: ServerHttp2Stream): void {
  const stopWhenSent = () => {
    if (stream.destroyed) return;
    const { localClose, state } = stream.state;
    const sent = localClose === 1 || state === constants.NGHTTP2_STREAM_STATE_IDLE;
    if (!sent) return void setTimeout(stopWhenSent, 5).unref();
    stream.close(constants.NGHTTP2_NO_ERROR);
    setImmediate(() => stream.destroy());
  };
  stream.once("wantTrailers", () => setImmediate(stopWhenSent));
}

async function drop(pieces: AsyncIterator<Uint8Array>): Promise<void> {
  const until = performance.now() + DROP_MS;
  const timer = Promise.withResolvers<{ done: true; value: undefined }>();
  const timeout = setTimeout(() => timer.resolve({ done: true, value: undefined }), DROP_MS);
  try {
    while (performance.now() < until && (await Promise.race([pieces.next(), timer.promise])).done !== true);
  } finally {
    clearTimeout(timeout);
  }
}

function fieldsOf(headers: Headers | undefined): Record<string, string> {
  return Object.fromEntries(headers ?? []);
}

function write(response: NodeResponse, bytes: Uint8Array): Promise<void> | undefined {
  if (isLost(response)) throw lost();
  if ((response as ServerResponse).write(bytes)) return undefined;
  return new Promise((resolve, reject) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", gone);
      resolve();
    };
    const gone = () => {
      response.off("drain", done);
      reject(lost());
    };
    response.once("drain", done);
    response.once("close", gone);
  });
}

/** Whether the connection has ended under an answer. */
export function isLost(response: NodeResponse): boolean {
  return "stream" in response ? response.stream.destroyed : response.destroyed;
}

/** Whether the whole answer was handed to the connection; asked when it has closed. */
export function isDelivered(response: NodeResponse): boolean {
  if (!("stream" in response)) return response.writableFinished;
  return response.writableEnded && response.stream.rstCode === constants.NGHTTP2_NO_ERROR;
}

function lost(): Error {
  const error = new Error("the connection was closed before the answer was sent");
  error.name = "AbortError";
  return error;
}
