import type { Writer } from "./append/writer.ts";
import { type OwnEvent, prepareOwnEvents } from "./own_event.ts";

/** Who does what nobody has asked for. */
const SERVICE = "datastorage";

/**
 * Records an event about what the service does of itself; resolves when a store has it.
 *
 * @throws Fault when none can take it now.
 */
export async function recordOwnEvent(writer: Pick<Writer, "open" | "submit">, event: OwnEvent): Promise<void> {
  const { fault } = await writer.submit(writer.open(), await prepareOwnEvents([event], SERVICE));
  if (fault !== undefined) throw fault;
}
