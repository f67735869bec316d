import type {
  MissingField,
  Reconstruction,
  ReconstructionWarning,
} from "../../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import type { Palette } from "../colour.ts";
import { count, printable } from "../text.ts";

/** Lines of each list. */
const LINES = 20;

/** What is known of how an object was rebuilt, for people. */
export function summaryText(told: Reconstruction, colours: Palette): string {
  const { completeness, missingFields, warnings, eventsRead, eventsUsed } = told;
  const share = `${(Math.floor(completeness * 1000) / 10).toFixed(1)} % complete`;
  const lines = [
    `${missingFields.length === 0 ? colours.green(share) : colours.yellow(share)}, ` +
      `from ${eventsUsed.toLocaleString("en")} of ${count(eventsRead, "event")}`,
    ...listed(missingFields, (field) => missingLine(field, colours)),
    ...listed(warnings, (warning) => warningLine(warning, colours)),
    chainLine(told, colours),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function listed<Item>(items: readonly Item[], line: (item: Item) => string): string[] {
  const lines = items.slice(0, LINES).map(line);
  return items.length > LINES ? [...lines, `  and ${items.length - LINES} more; --json has all of them`] : lines;
}

function warningLine({ reason, message, eventId }: ReconstructionWarning, colours: Palette): string {
  const event = eventId === "" ? "" : ` event ${printable(eventId)}`;
  return `  ${colours.yellow(printable(reason))}${event}: ${printable(message)}`;
}

function missingLine({ path, eventTypes, required }: MissingField, colours: Palette): string {
  const sources = eventTypes.length === 0 ? "" : colours.dim(` (${eventTypes.join(", ")})`);
  return `  missing${required ? colours.red(" and required") : ""}: ${path}${sources}`;
}

function chainLine({ chain }: Reconstruction, colours: Palette): string {
  if (chain === undefined || chain.verified)
    return `The chain holds: ${count(chain?.eventsChecked ?? 0, "event")} checked`;
  const { firstBadPosition, firstBadEventId, problem } = chain;
  const event = firstBadEventId === "" ? "" : `, event ${firstBadEventId}`;
  const where = `at position ${firstBadPosition}${event}: ${printable(problem)}`;
  return `${colours.red(colours.bold("THE CHAIN IS BROKEN"))} ${colours.red(where)}`;
}
