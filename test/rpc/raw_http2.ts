import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type Settings,
} from "node:http2";

/** The answer to a call that was made frame by frame. */
export interface RawAnswer {
  readonly status: string | undefined;
  readonly message: string | undefined;
  readonly resetCode: number;
}

/** An HTTP/2 connection of a client that can misbehave. */
export async function connectRaw(url: string, settings: Settings = {}): Promise<ClientHttp2Session> {
  const session = connect(url, { settings });
  session.on("error", () => {});
  await once(session, "remoteSettings");
  return session;
}

/** Begins a gRPC call of AuditService; what the test writes to it is the body. */
export function callRaw(
  session: ClientHttp2Session,
  method: string,
  headers: IncomingHttpHeaders = {},
): ClientHttp2Stream {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: `/kubernaut.audit.v1.AuditService/${method}`,
    "content-type": "application/grpc+proto",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => {});
  return stream;
}

/** Resolves when the stream of a call has closed. */
export async function answerOf(stream: ClientHttp2Stream): Promise<RawAnswer> {
  let trailers: IncomingHttpHeaders = {};
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.resume();
  if (!stream.closed) await once(stream, "close");
  const message = trailers["grpc-message"];
  return {
    status: trailers["grpc-status"] as string | undefined,
    message: typeof message === "string" ? decodeURIComponent(message) : undefined,
    resetCode: stream.rstCode,
  };
}

/** The five bytes before a message. */
export function envelopeHead(length: number, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return head;
}
