import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { AuditService } from "../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";

const ENVELOPE_BYTES = 5;
const WINDOW_BYTES = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;

/** A message as gRPC puts it on the wire: a byte of flags, four of length, the message. */
export function envelope(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(ENVELOPE_BYTES + message.byteLength);
  framed[0] = 0;
  framed.writeUInt32BE(message.byteLength, 1);
  framed.set(message, ENVELOPE_BYTES);
  return framed;
}

/** A call that ended otherwise than well; `code` is the number of its gRPC status. */
export class CallFailed extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(`the call ended with status ${code}: ${message}`);
    this.code = code;
  }
}

/**
 * One connection of the smallest gRPC client there is: gRPC over node:http2, messages ready for the wire. What it saves in
 * CPU on a machine that client, service and database share is left to what is measured.
 */
export class GrpcConnection {
  readonly #session: ClientHttp2Session;
  readonly #service: string;

  private constructor(session: ClientHttp2Session, service: string) {
    this.#session = session;
    this.#service = service;
  }

  /** Opens a connection for the methods of one service. */
  static open(address: string, service: string = AuditService.typeName): Promise<GrpcConnection> {
    return new Promise((resolve, reject) => {
      const session = connect(`http://${address}`, {
        settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
      });
      session.once("error", reject);
      session.once("connect", () => {
        session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
        resolve(new GrpcConnection(session, service));
      });
    });
  }

  close(): void {
    this.#session.close();
  }

  /** Calls a method with one message and gives its answer's. Rejects for every status but OK. */
  async unary(method: string, framed: Buffer): Promise<Buffer> {
    const answers: Buffer[] = [];
    const call = this.call(method, (messages) => answers.push(...messages));
    call.write(framed);
    call.end();
    await call.ended;
    return answers[0] as Buffer;
  }

  /** Begins a call; `onMessages` gets the messages of the answer as they arrive, several at a time where they do. */
  call(method: string, onMessages: (messages: Buffer[]) => void): GrpcCall {
    const stream = this.#session.request({
      ":method": "POST",
      ":path": `/${this.#service}/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    return new GrpcCall(stream, onMessages);
  }
}

export class GrpcCall {
  /** Resolves when the call has ended with status OK, rejects otherwise. */
  readonly ended: Promise<void>;
  readonly #stream: ClientHttp2Stream;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: ClientHttp2Stream, onMessages: (messages: Buffer[]) => void) {
    this.#stream = stream;
    this.ended = endOf(stream);
    stream.on("data", (piece: Buffer) => {
      const messages = this.#split(piece);
      if (messages.length > 0) onMessages(messages);
    });
  }

  /** Sends messages that are in their envelopes. */
  write(framed: Buffer): void {
    this.#stream.write(framed);
  }

  /** Whether flow control keeps what was written from being sent. */
  get isFull(): boolean {
    return this.#stream.writableNeedDrain;
  }

  /** Calls the listener whenever it is full no longer. */
  onDrain(listener: () => void): void {
    this.#stream.on("drain", listener);
  }

  end(): void {
    this.#stream.end();
  }

  /** Leaves it: `ended` rejects. */
  cancel(): void {
    this.#stream.close(CANCEL);
  }

  #split(piece: Buffer): Buffer[] {
    let data = this.#rest.byteLength === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const messages: Buffer[] = [];
    while (data.byteLength >= ENVELOPE_BYTES) {
      const end = ENVELOPE_BYTES + data.readUInt32BE(1);
      if (data.byteLength < end) break;
      messages.push(data.subarray(ENVELOPE_BYTES, end));
      data = data.subarray(end);
    }
    this.#rest = data;
    return messages;
  }
}

const UNAVAILABLE = 14;
/** RFC 9113, 7: the stream is no longer needed. */
const CANCEL = 8;

function endOf(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    let status = UNAVAILABLE;
    let message = "without a status";
    const read = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] === undefined) return;
      status = Number(headers["grpc-status"]);
      message = decodeURIComponent(String(headers["grpc-message"] ?? ""));
    };
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("error", reject);
    stream.on("close", () => (status === 0 ? resolve() : reject(new CallFailed(status, message))));
  });
}
