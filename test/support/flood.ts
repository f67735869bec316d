// A process that floods a service: `node flood.ts HOST:PORT`. One stream, batches of 1,000 events, as fast as the service takes
// them. Prints `flooding` when the first batch is answered, and the number of events recorded when it is asked to end (SIGTERM).
import { newEvents, openCaller } from "./audit_service.ts";

const { client, close } = openCaller(process.argv[2] as string);
let stopped = false;
process.on("SIGTERM", () => {
  stopped = true;
});

async function* batches() {
  for (let batchNumber = 1n; !stopped; batchNumber++) {
    // A few correlations, so that all lanes have work.
    const events = newEvents(1000).map((event, index) => ({ ...event, correlationId: `flood-${index % 20}` }));
    yield { batchNumber, events };
    // Signals are seen between batches.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

let recorded = 0;
for await (const answer of client.ingestEvents(batches())) {
  if (recorded === 0) console.log("flooding");
  recorded += answer.recorded;
}
console.log(`recorded ${recorded}`);
close();
