import type { DescFile, DescService } from "@bufbuild/protobuf";
import { Code, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { ServerReflection, type ServerReflectionRequest } from "../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflection as ServerReflectionAlpha,
  type ServerReflectionRequest as ServerReflectionRequestAlpha,
} from "../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";
import { type DescriptorIndex, indexDescriptors, serialized, withImports } from "./descriptors.ts";
import { drainingKey, until } from "./interceptors.ts";

/** The services by which a server tells about itself; both versions, since clients ask for either. */
export const REFLECTION_SERVICES: readonly DescService[] = [ServerReflection, ServerReflectionAlpha];

type Request = ServerReflectionRequest | ServerReflectionRequestAlpha;
/** What both versions answer: they differ in nothing but their name. */
type Answer =
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: "allExtensionNumbersResponse"; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: "errorResponse"; value: { errorCode: Code; errorMessage: string } };

/**
 * Registers grpc.reflection.v1 and v1alpha for the services and all files that they import
 * (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md). A file is answered first, then its imports, each
 * once a stream, as grpc-go does: strict clients resolve every import from what they were given.
 */
export function reflectionRoutes(services: readonly DescService[]): (router: ConnectRouter) => void {
  const index = indexDescriptors(services);
  const names = services.map(({ typeName }) => typeName).sort();
  return (router) => {
    router.service(ServerReflection, {
      async *serverReflectionInfo(requests, context) {
        yield* answers(requests, context, index, names);
      },
    });
    router.service(ServerReflectionAlpha, {
      async *serverReflectionInfo(requests, context) {
        yield* answers(requests, context, index, names);
      },
    });
  };
}

async function* answers<R extends Request>(
  requests: AsyncIterable<R>,
  context: HandlerContext,
  index: DescriptorIndex,
  services: readonly string[],
): AsyncGenerator<{ validHost: string; originalRequest: R; messageResponse: Answer }> {
  const sent = new Set<DescFile>();
  for await (const request of until(context.values.get(drainingKey), requests)) {
    const messageResponse = answerTo(request.messageRequest, index, services, sent);
    yield { validHost: request.host, originalRequest: request, messageResponse };
  }
}

function answerTo(
  request: Request["messageRequest"],
  index: DescriptorIndex,
  services: readonly string[],
  sent: Set<DescFile>,
): Answer {
  switch (request.case) {
    case "listServices": {
      return { case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
    }
    case "fileByFilename":
      return files(index.file(request.value), `file ${request.value}`, sent);
    case "fileContainingSymbol":
      return files(index.fileOfSymbol(request.value), `symbol ${request.value}`, sent);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = request.value;
      const name = `extension ${extensionNumber} of ${containingType}`;
      return files(index.fileOfExtension(containingType, extensionNumber), name, sent);
    }
    case "allExtensionNumbersOfType": {
      const extensionNumber = index.extensionNumbers(request.value);
      if (extensionNumber === undefined) return error(Code.NotFound, `there is no message ${request.value}`);
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: request.value, extensionNumber } };
    }
    default:
      return error(Code.InvalidArgument, "the request asks for nothing");
  }
}

function files(file: DescFile | undefined, asked: string, sent: Set<DescFile>): Answer {
  if (file === undefined) return error(Code.NotFound, `there is no ${asked}`);
  const answer = withImports(file).filter((each) => each === file || !sent.has(each));
  for (const each of answer) sent.add(each);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: answer.map(serialized) } };
}

function error(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
