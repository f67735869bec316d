import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
} from "../../gen/ts/google/rpc/error_details_pb.ts";
import type { AuditEvent } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { CatalogService } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import type { DiscoveryContextSchema } from "../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import type { Workflow } from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { type AuditClient, type AuditTestService, errorOf, listAll, startAuditService } from "./audit_service.ts";
import { actionTypeObject, type Loose, workflowObject } from "./workflow_sample.ts";

export type CatalogClient = Client<typeof CatalogService>;

/** The whole service in this process, on a database of the test's own, and a caller of its catalog. */
export interface CatalogTestService extends AuditTestService {
  readonly catalog: CatalogClient;
}

/** Starts the service, as startAuditService does. */
export async function startCatalogService(
  ...options: Parameters<typeof startAuditService>
): Promise<CatalogTestService> {
  const service = await startAuditService(...options);
  const baseUrl = `http://${service.address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  service.closeFirst(async () => sessionManager.abort());
  return { ...service, catalog: createClient(CatalogService, createGrpcTransport({ baseUrl, sessionManager })) };
}

/** The text of an ActionType object that breaks no rule. */
export function actionTypeText(
  name: string,
  description: Loose = { what: "Does it", whenToUse: "When it helps" },
): string {
  return JSON.stringify(actionTypeObject({ name, description }));
}

/** The text of a RemediationWorkflow object that breaks no rule, its spec changed by `spec`. */
export function workflowText(name: string, spec: Loose = {}): string {
  return JSON.stringify({ ...workflowObject(spec), metadata: { name } });
}

/** Registers a workflow, and gives it as it is then. */
export async function registerWorkflow(catalog: CatalogClient, name: string, spec: Loose = {}): Promise<Workflow> {
  const { workflow } = await catalog.registerWorkflow({ content: workflowText(name, spec) });
  assert.ok(workflow);
  return workflow;
}

/** The texts of a folder of DATASTORAGE_TEST_DATA, by file; undefined where that is not set. */
export function recordedTexts(folder: "action-types" | "workflows"): ReadonlyMap<string, string> | undefined {
  const data = process.env["DATASTORAGE_TEST_DATA"];
  if (!data) return undefined;
  const files = readdirSync(join(data, folder)).filter((name) => name.endsWith(".yaml"));
  assert.ok(files.length > 0, `${data}/${folder} holds no objects`);
  return new Map(files.sort().map((file) => [file, readFileSync(join(data, folder, file), "utf8")]));
}

/** An incident that a workflow is made for: the first of what it declares of each label. */
export function contextFor({
  labels,
  detectedLabels,
  customLabels,
}: Workflow): MessageInitShape<typeof DiscoveryContextSchema> {
  const { severity = [], component = [], environment = [], priority = [] } = labels ?? {};
  return {
    severity: severity[0] ?? "",
    component: component[0] ?? "",
    environment: environment[0] ?? "",
    priority: priority[0] ?? "",
    ...(detectedLabels && { detectedLabels }),
    customLabels,
  };
}

/** What programs read from an error: its code, and what its details say. */
export async function refusalOf(call: Promise<unknown>) {
  const { code, error, retryMs } = await errorOf(call);
  const [info] = error.findDetails(ErrorInfoSchema);
  const [resource] = error.findDetails(ResourceInfoSchema);
  const [request] = error.findDetails(BadRequestSchema);
  const [precondition] = error.findDetails(PreconditionFailureSchema);
  return {
    code,
    reason: info?.reason,
    message: error.rawMessage,
    metadata: info?.metadata ?? {},
    resource: resource && `${resource.resourceType} ${resource.resourceName}`,
    violations: request?.fieldViolations.map(({ field, description }) => `${field}: ${description}`) ?? [],
    preconditions: precondition?.violations.map(({ type }) => type) ?? [],
    retryMs,
  };
}

/** The events of a correlation in the order of its chain, as soon as there are `count` of them. */
export async function untilEvents(client: AuditClient, correlationId: string, count: number): Promise<AuditEvent[]> {
  const signal = AbortSignal.timeout(5000);
  for (;;) {
    const events = await listAll(client, { filter: { correlationId }, orderBy: "chain_position" });
    if (events.length >= count) return events;
    await delay(5, undefined, { signal });
  }
}
