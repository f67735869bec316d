import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { create, createFileRegistry, type DescService, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from "../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { obligingAudit, startTestServer, type TestServer } from "./support.ts";

type Question = NonNullable<
  Exclude<MessageInitShape<typeof ServerReflectionRequestSchema>, { $typeName: string }>["messageRequest"]
>;

const AUDIT_FILE = "kubernaut/audit/v1/audit_service.proto";
const EVENT_FILE = "kubernaut/audit/v1/audit_event.proto";

for (const service of [ServerReflection, ServerReflectionAlpha] as const) {
  describe(service.typeName, () => {
    let server: TestServer;
    before(async () => {
      server = await startTestServer(obligingAudit);
    });
    after(() => server.close({ timeoutMs: 5000 }));

    /** Asks over one stream. */
    async function ask(...questions: Question[]): Promise<ServerReflectionResponse["messageResponse"][]> {
      const client = createClient(service as typeof ServerReflection, createGrpcTransport({ baseUrl: server.url }));
      async function* requests() {
        for (const messageRequest of questions) {
          yield create(ServerReflectionRequestSchema, { host: "any", messageRequest });
        }
      }
      const answers: ServerReflectionResponse["messageResponse"][] = [];
      for await (const { messageResponse, validHost } of client.serverReflectionInfo(requests())) {
        assert.equal(validHost, "any");
        answers.push(messageResponse);
      }
      return answers;
    }

    async function filesOf(question: Question): Promise<FileDescriptorProto[]> {
      const [answer] = await ask(question);
      assert.equal(answer?.case, "fileDescriptorResponse", JSON.stringify(answer?.value));
      return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    }

    it("lists the services, itself and health among them", async () => {
      const [answer] = await ask({ case: "listServices", value: "" });
      assert.equal(answer?.case, "listServicesResponse");
      assert.deepEqual(
        answer.value.service.map(({ name }) => name),
        [
          "grpc.health.v1.Health",
          "grpc.reflection.v1.ServerReflection",
          "grpc.reflection.v1alpha.ServerReflection",
          AuditService.typeName,
        ],
      );
    });

    it("finds the file of every kind of symbol", async () => {
      const symbols: Record<string, string> = {
        "kubernaut.audit.v1.AuditService": AUDIT_FILE,
        "kubernaut.audit.v1.AuditService.RecordEvents": AUDIT_FILE,
        "kubernaut.audit.v1.RecordEventsRequest": AUDIT_FILE,
        "kubernaut.audit.v1.RecordEventsRequest.require_recorded": AUDIT_FILE,
        "kubernaut.audit.v1.RecordOutcome": AUDIT_FILE,
        "kubernaut.audit.v1.RECORD_OUTCOME_RECORDED": AUDIT_FILE,
        "kubernaut.audit.v1.AuditEvent.payload": EVENT_FILE,
        "google.rpc.BadRequest.FieldViolation": "google/rpc/error_details.proto",
        "buf.validate.field": "buf/validate/validate.proto",
        "google.protobuf.FieldDescriptorProto.TYPE_STRING": "google/protobuf/descriptor.proto",
      };
      for (const [symbol, file] of Object.entries(symbols)) {
        assert.equal((await filesOf({ case: "fileContainingSymbol", value: symbol }))[0]?.name, file, symbol);
      }
    });

    it("gives with a file everything that a strict reader needs to resolve it", async () => {
      const file = await filesOf({ case: "fileByFilename", value: AUDIT_FILE });
      assert.equal(file[0]?.name, AUDIT_FILE);
      const names = file.map(({ name }) => name);
      assert.equal(new Set(names).size, names.length);
      for (const { dependency } of file) for (const name of dependency) assert.ok(names.includes(name), name);
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: importsFirst(file) }));
      const found = registry.getService(AuditService.typeName) as DescService;
      assert.deepEqual(
        found.methods.map(({ name }) => name),
        AuditService.methods.map(({ name }) => name),
      );
      const rules = registry.getMessage("kubernaut.audit.v1.GetEventRequest")?.fields[0]?.proto.options;
      assert.notEqual(rules?.$unknown?.length ?? 0, 0, "the rules of protovalidate are kept");
    });

    it("sends a file once a stream, save where it is asked for by itself", async () => {
      const [first, second, third] = await ask(
        { case: "fileByFilename", value: AUDIT_FILE },
        { case: "fileByFilename", value: EVENT_FILE },
        { case: "fileByFilename", value: AUDIT_FILE },
      );
      assert.equal(first?.case, "fileDescriptorResponse");
      assert.ok(first.value.fileDescriptorProto.length > 5);
      for (const answer of [second, third]) {
        assert.equal(answer?.case, "fileDescriptorResponse");
        assert.equal(answer.value.fileDescriptorProto.length, 1);
      }
    });

    it("finds extensions by message and number, and tells their numbers", async () => {
      const extension = { containingType: "google.protobuf.FieldOptions", extensionNumber: 1159 };
      const [file] = await filesOf({ case: "fileContainingExtension", value: extension });
      assert.equal(file?.name, "buf/validate/validate.proto");
      const [numbers, none] = await ask(
        { case: "allExtensionNumbersOfType", value: "google.protobuf.FieldOptions" },
        { case: "allExtensionNumbersOfType", value: "kubernaut.audit.v1.AuditEvent" },
      );
      assert.equal(numbers?.case, "allExtensionNumbersResponse");
      assert.deepEqual(numbers.value.extensionNumber, [1159, 1160]);
      assert.equal(none?.case, "allExtensionNumbersResponse");
      assert.deepEqual(none.value.extensionNumber, []);
    });

    it("says NOT_FOUND for what is not there, and goes on", async () => {
      const answers = await ask(
        { case: "fileByFilename", value: "no.proto" },
        { case: "fileContainingSymbol", value: "kubernaut.audit.v1.Nope" },
        { case: "fileContainingExtension", value: { containingType: "a.B", extensionNumber: 1 } },
        { case: "allExtensionNumbersOfType", value: "a.B" },
        { case: "listServices", value: "" },
      );
      for (const answer of answers.slice(0, 4)) {
        assert.equal(answer.case, "errorResponse");
        assert.equal(answer.value.errorCode, Code.NotFound);
      }
      assert.equal(answers[4]?.case, "listServicesResponse");
    });
  });
}

/** The order in which a descriptor set lists its files. */
function importsFirst(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const ordered = new Set<FileDescriptorProto>();
  const visit = (file: FileDescriptorProto | undefined) => {
    if (file === undefined || ordered.has(file)) return;
    for (const name of file.dependency) visit(byName.get(name));
    ordered.add(file);
  };
  for (const file of files) visit(file);
  return [...ordered];
}
