import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { type GetCheckpointResponse, IntegrityService } from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import { type AuditTestService, newEvents, type Scope, startAuditService } from "./audit_service.ts";

/** A whole service that signs its log. */
export interface LogSite extends AuditTestService {
  readonly integrity: Client<typeof IntegrityService>;
  /** Records events of one correlation and waits until a published checkpoint covers them; gives their ids. */
  record(count: number, correlationId: string): Promise<string[]>;
}

export const TEST_ORIGIN = "log.example/audit";

/** The settings of a service that signs, with a folder of its own that is gone when the scope ends. */
export async function signingSettings(scope: Scope): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "datastorage-log-"));
  scope.after(() => rm(folder, { recursive: true, force: true }));
  return {
    DATASTORAGE_DATA_DIR: folder,
    DATASTORAGE_LOG_KEY: newPrivateKey(),
    DATASTORAGE_LOG_ORIGIN: TEST_ORIGIN,
  };
}

/** Starts a service with a log key of its own, in this process. */
export async function startLogSite(scope: Scope, env: Readonly<Record<string, string>> = {}): Promise<LogSite> {
  const service = await startAuditService(scope, { ...(await signingSettings(scope)), ...env });
  const integrity = openIntegrity(scope, service.address);
  return {
    ...service,
    integrity,
    async record(count, correlationId) {
      const events = newEvents(count, { correlationId });
      await service.client.recordEvents({ events });
      const ids = events.map(({ eventId }) => eventId);
      await untilCovered(integrity, ids.at(-1) as string);
      return ids;
    },
  };
}

/** A client of IntegrityService, over a connection of its own. */
export function openIntegrity(scope: Scope, address: string): Client<typeof IntegrityService> {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  scope.after(async () => sessionManager.abort());
  return createClient(IntegrityService, createGrpcTransport({ baseUrl, sessionManager }));
}

/** Resolves with the checkpoint that covers an event, or a later one. */
export async function untilCovered(
  client: Client<typeof IntegrityService>,
  eventId: string,
): Promise<GetCheckpointResponse> {
  for (;;) {
    try {
      await client.getInclusionProof({ of: { case: "eventId", value: eventId } });
      return await client.getCheckpoint({});
    } catch (error) {
      if (ConnectError.from(error).code !== Code.FailedPrecondition) throw error;
      await delay(20);
    }
  }
}
