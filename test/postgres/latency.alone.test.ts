import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { after, test } from "node:test";
import { openPool } from "../../src/postgres/pool.ts";
import { createEmptyDatabase } from "../support/database.ts";

const SAMPLES = 30;

const database = await createEmptyDatabase("latency");
after(() => database.drop());

/**
 * Without TCP_NODELAY, which postgres.js does not set, a small message that follows another waits for the other side to
 * acknowledge the first, and the other side waits 40 ms to do so. A COPY of one row writes two messages in a row.
 */
test("a small write does not wait for a delayed acknowledgement", async () => {
  const sql = openPool({ url: database.url, connections: 1, applicationName: "latency", statementTimeoutMs: 0 });
  await sql.unsafe("CREATE TEMP TABLE written (n integer)");
  const write = await median(async () => {
    const copy = await sql.unsafe("COPY written FROM STDIN").writable();
    copy.end("1\n");
    await sql.unsafe("SELECT 1");
  });
  const [row] = await sql.unsafe<{ rows: number }[]>("SELECT count(*)::int AS rows FROM written");
  assert.equal(row?.rows, SAMPLES);
  await sql.end();
  const echo = await echoMedian();
  console.log(
    `# median of a small write ${write.toFixed(2)} ms, of two echoes over a raw socket ${echo.toFixed(2)} ms`,
  );
  assert.ok(write < 20 + 20 * echo);
});

/** Two round trips over a raw socket with TCP_NODELAY: what this machine needs for them at the moment. */
async function echoMedian(): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  const result = await median(async () => {
    for (const message of ["one", "two"]) {
      socket.write(message);
      await once(socket, "data");
    }
  });
  socket.end();
  server.close();
  return result;
}

async function median(run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const begun = performance.now();
    await run();
    times.push(performance.now() - begun);
  }
  return times.sort((one, other) => one - other)[SAMPLES >> 1] as number;
}
