import { randomBytes, randomUUIDv7 } from "node:crypto";
import type { OwnEvent } from "../../audit/own_event.ts";
import type { OpenedOrigin } from "./statements.ts";

/** A name for a log that nobody has named. */
export function madeUpOrigin(): string {
  return `datastorage.kubernaut.ai/${randomBytes(6).toString("hex")}`;
}

/** Says that the log begins to be signed under a name, and what that name follows. */
export function originOpened({ origin, openedSize, predecessor, contradicted, reason }: OpenedOrigin): OwnEvent {
  return {
    type: "datastorage.log.origin_opened",
    outcome: "success",
    correlationId: `log-${randomUUIDv7()}`,
    resource: { type: "AuditLog", id: origin },
    data: {
      origin,
      opened_size: openedSize,
      ...(predecessor !== undefined && { predecessor_checkpoint: predecessor }),
      ...(contradicted !== undefined && { contradicted_checkpoint: contradicted }),
      ...(reason !== "" && { reason }),
    },
  };
}
