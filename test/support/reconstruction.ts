import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { ReconstructionService } from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { batchesOf, type RecordedEvent, toMessage } from "../interop/recording.ts";
import { type AuditTestService, startAuditService } from "./audit_service.ts";

/** The whole service in this process, on a database of the test's own, and a caller of its reconstruction. */
export interface ReconstructionTestService extends AuditTestService {
  readonly reconstruction: Client<typeof ReconstructionService>;
  /** Records events, in their order. */
  record(events: readonly RecordedEvent[]): Promise<void>;
}

/** Starts the service, as startAuditService does. */
export async function startReconstructionService(
  ...options: Parameters<typeof startAuditService>
): Promise<ReconstructionTestService> {
  const service = await startAuditService(...options);
  const baseUrl = `http://${service.address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  service.closeFirst(async () => sessionManager.abort());
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    ...service,
    reconstruction: createClient(ReconstructionService, transport),
    async record(events) {
      for (const batch of batchesOf(events, 500)) {
        await service.client.recordEvents({ events: batch.map((event) => toMessage(event, "json")) });
      }
    },
  };
}
