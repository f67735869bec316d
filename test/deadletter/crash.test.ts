// kill -9 between any two steps of the consumer: whoever comes after it loses nothing and stores nothing twice.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { LEASE_KEY } from "../../src/deadletter/keys.ts";
import { FAILPOINT_VARIABLE, FAILPOINTS } from "../../src/failpoint.ts";
import { openSite, refuse } from "../support/drain_site.ts";
import { preparedEvent } from "../support/prepared_event.ts";

const program = fileURLToPath(new URL("drain_process.ts", import.meta.url));
const steps = FAILPOINTS.filter((name) => name.startsWith("drain."));

test("a process that is killed at any step is gone on from", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  await refuse(site.admin, "poison");
  for (const step of steps) {
    await t.test(step, { timeout: 30_000 }, async () => {
      const events = Array.from({ length: 9 }, (_, index) =>
        preparedEvent({ correlation_id: `${step} ${index % 2}`, ...(index === 4 && { error_code: "poison" }) }),
      );
      const places = await site.queue(events.slice(0, 3), events.slice(3, 6), events.slice(6));
      const env = { ...process.env, [FAILPOINT_VARIABLE]: step };
      const child = spawn(process.execPath, [program, site.valkey.url, site.databaseUrl], { env, stdio: "inherit" });
      const [, signal] = await once(child, "exit");
      assert.equal(signal, "SIGKILL");

      await site.valkey.admin.del(LEASE_KEY); // As if its time had passed.
      const { drainer, open } = await site.drain({ tries: 2, retryWaitMs: 10 });
      while ((await open.store.present(places)).includes(true)) await new Promise((resolve) => setImmediate(resolve));
      await drainer.stop();
      for (const index of [0, 1]) {
        const own = events.filter((one, place) => one.correlationId === `${step} ${index}` && place !== 4);
        assert.deepEqual(
          await site.stored(`${step} ${index}`),
          own.map(({ eventId }) => eventId),
        );
      }
      const letters = await site.letters("events");
      assert.deepEqual(
        letters
          .filter(({ correlationId }) => correlationId.startsWith(step))
          .map(({ eventId, tries }) => [eventId, tries]),
        [[events[4]?.eventId, 2]],
      );
    });
  }
});
