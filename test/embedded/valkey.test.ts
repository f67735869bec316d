import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { commandOf } from "../../src/embedded/process.ts";
import { startValkey } from "../../src/embedded/valkey.ts";
import { holdFolder, serverPid } from "./holder.ts";

const parent = mkdtempSync(join(tmpdir(), "datastorage-valkey-"));
after(() => rmSync(parent, { recursive: true, force: true }));
// Fetched once, not for every run.
const programsDir = fileURLToPath(new URL("../../node_modules/.cache/datastorage", import.meta.url));
mkdirSync(programsDir, { recursive: true });

function noting() {
  const messages: string[] = [];
  const note = (_facts: object, message: string) => void messages.push(message);
  return { messages, log: { info: note, warn: note } };
}

async function connected<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { maxRetriesPerRequest: 0 });
  client.on("error", () => {});
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

test("where no Valkey can be had the start goes on, and says loudly what that means", async () => {
  const { messages, log } = noting();
  const proxy = process.env["http_proxy"];
  process.env["http_proxy"] = "http://127.0.0.1:1"; // where nobody listens
  try {
    const server = await startValkey({ dataDir: join(parent, "none"), log, port: 0, searchPath: "" });
    assert.equal(server, undefined);
  } finally {
    if (proxy === undefined) delete process.env["http_proxy"];
    else process.env["http_proxy"] = proxy;
  }
  assert.match(messages.at(-1) ?? "", /^STARTED WITHOUT A QUEUE: .+ events are refused instead of queued/);
});

describe("a Valkey of our own", () => {
  const dataDir = join(parent, "data");
  let missing: string | undefined;

  before(async () => {
    const { messages, log } = noting();
    const server = await startValkey({ dataDir, log, port: 0, programsDir });
    if (!server) missing = /QUEUE: (.*?)\. While/.exec(messages.at(-1) ?? "")?.[1] ?? "no Valkey";
    await server?.stop();
  });

  test("keeps what it answered to, also when everything is killed with -9", async (t) => {
    if (missing) return t.skip(missing);
    const holder = await holdFolder(dataDir, ["--valkey", programsDir]);
    const pid = serverPid(dataDir, "valkey/valkey.pid");
    assert.ok(await commandOf(pid));
    await connected(holder.url, (client) => client.xadd("queue", "*", "event", "one"));
    process.kill(pid, "SIGKILL");
    await holder.kill("SIGKILL");
    const again = await holdFolder(dataDir, ["--valkey", programsDir]);
    assert.equal(await connected(again.url, (client) => client.xlen("queue")), 1);
    await again.end();
  });

  test("listens on loopback alone, wants its password, and evicts nothing", async (t) => {
    if (missing) return t.skip(missing);
    const server = await startValkey({ dataDir, log: noting().log, port: 0, programsDir });
    assert.ok(server);
    try {
      await connected(server.url, async (client) => {
        for (const [name, value] of Object.entries({
          bind: "127.0.0.1",
          appendonly: "yes",
          appendfsync: "always",
          "maxmemory-policy": "noeviction",
        })) {
          assert.deepEqual(await client.config("GET", name), [name, value]);
        }
      });
      const withoutPassword = server.url.replace(/:[^@/]+@/, "");
      await assert.rejects(
        connected(withoutPassword, (client) => client.ping()),
        /NOAUTH/,
      );
    } finally {
      await server.stop();
    }
  });
});
