import { closeSync, openSync, writeSync } from "node:fs";
import { Found } from "./finding.ts";
import { type Ledger, State } from "./ledger.ts";

/**
 * Finds the events that were acknowledged and are not stored; gives, where it is allowed, those apart that were only ever
 * QUEUED, each of which is named in a file.
 */
export function findLost(
  ledger: Ledger,
  lost: Found,
  allowLostQueued: boolean,
  lostQueuedFile: string | undefined,
): Found {
  const lostQueued = new Found();
  const names = lostQueuedFile === undefined ? undefined : openSync(lostQueuedFile, "w");
  for (const { process, source, size, states, places } of ledger.sources) {
    for (let counter = 0; counter < size; counter++) {
      const state = states[counter] as State;
      if (state < State.QUEUED || (places[counter] as number) > 0) continue;
      const id = ledger.id({ process, source, counter });
      const name = () => `${id}, event ${counter} of source ${source} of process ${process}, was ${told(state)}`;
      if (state === State.QUEUED && allowLostQueued) {
        lostQueued.add(name);
        if (names !== undefined) writeSync(names, `${id}\n`);
      } else lost.add(name);
    }
  }
  if (names !== undefined) closeSync(names);
  return lostQueued;
}

function told(state: State): string {
  return state === State.QUEUED ? "QUEUED" : "RECORDED or DUPLICATE";
}
