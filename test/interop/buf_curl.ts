import { fileURLToPath } from "node:url";
import type { DescService, JsonValue } from "@bufbuild/protobuf";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { run } from "./command.ts";

/** The program itself: what stands for it in .bin starts Node first, which takes longer than most calls. */
const BUF = fileURLToPath(
  import.meta.resolve(`@bufbuild/buf-${process.platform}-${process.arch}/bin/buf`, import.meta.url),
);

/** Calls a method, of AuditService where no other service is named, with `buf curl`, which learns the contract from the service's reflection. */
export async function bufCurl(
  address: string,
  method: string,
  request: JsonValue,
  protocol: "grpc" | "grpcweb" | "connect" = "grpc",
  service: DescService = AuditService,
): Promise<JsonValue> {
  const url = `http://${address}/${service.typeName}/${method}`;
  const args = ["curl", "--protocol", protocol, "--http2-prior-knowledge", "--data", "@-", url];
  return JSON.parse(await run(BUF, args, { input: JSON.stringify(request) }));
}

/** The methods that `buf curl` finds by one version of reflection, as `service/method`. */
export async function listMethods(address: string, reflection: "grpc-v1" | "grpc-v1alpha"): Promise<string[]> {
  const flags = ["--list-methods", "--reflect-protocol", reflection, "--http2-prior-knowledge"];
  return (await run(BUF, ["curl", ...flags, `http://${address}`])).trim().split("\n");
}
