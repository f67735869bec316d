import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  type CallOptions,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import {
  type BadRequest,
  BadRequestSchema,
  type ErrorInfo,
  ErrorInfoSchema,
} from "../../gen/ts/google/rpc/error_details_pb.ts";
import { type Status, StatusSchema } from "../../gen/ts/google/rpc/status_pb.ts";

/** What grpc-js needs to know of a method, from the descriptor that the generated code brings. */
export function stubOf<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O> | DescMethodBiDiStreaming<I, O>,
) {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    serialize: (request: MessageInitShape<I>) => Buffer.from(toBinary(method.input, create(method.input, request))),
    deserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
  };
}

/** A plain gRPC client: grpc-js, over HTTP/2 without TLS, on the stubs of gen/ts. */
export class GrpcJsClient {
  readonly client: Client;

  constructor(address: string, options: ChannelOptions = {}) {
    this.client = new Client(address, credentials.createInsecure(), options);
  }

  /** Calls a method with one answer. @throws ServiceError as grpc-js makes it. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { metadata = new Metadata(), ...options }: CallOptions & { metadata?: Metadata } = {},
  ): Promise<MessageShape<O>> {
    const { path, serialize, deserialize } = stubOf(method);
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(path, serialize, deserialize, request, metadata, options, (error, answer) => {
        if (error) reject(error);
        else resolve(answer as MessageShape<O>);
      });
    });
  }

  /** Opens a stream in both directions. */
  open<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options: CallOptions = {},
  ): ClientDuplexStream<MessageInitShape<I>, MessageShape<O>> {
    const { path, serialize, deserialize } = stubOf(method);
    return this.client.makeBidiStreamRequest(path, serialize, deserialize, new Metadata(), options);
  }

  /** Sends all requests over one stream and gives all answers, when the stream has ended well. */
  async exchange<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    requests: Iterable<MessageInitShape<I>>,
  ): Promise<MessageShape<O>[]> {
    const stream = this.open(method);
    const answers: Promise<MessageShape<O>[]> = stream.toArray();
    for (const request of requests) stream.write(request);
    stream.end();
    return answers;
  }

  close(): void {
    this.client.close();
  }
}

/** The status that an error carries in its trailers, with the details that say what to do about it. */
export interface Refusal {
  readonly status: Status;
  readonly badRequest: BadRequest | undefined;
  readonly errorInfo: ErrorInfo | undefined;
}

/** Reads grpc-status-details-bin. */
export function refusalOf({ metadata }: ServiceError): Refusal {
  const [bytes] = metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Buffer)) throw new Error("the error carries no google.rpc.Status");
  const status = fromBinary(StatusSchema, bytes);
  const detail = <D extends DescMessage>(schema: D) =>
    status.details.map((any) => anyUnpack(any, schema)).find((message) => message !== undefined);
  return { status, badRequest: detail(BadRequestSchema), errorInfo: detail(ErrorInfoSchema) };
}
