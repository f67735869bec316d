import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { Fault } from "../../src/fault.ts";
import { SILENCE_MS } from "../../src/valkey/link.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp_proxy.ts";
import { openStore, startTestValkey, type TestValkey } from "../support/valkey.ts";

const started = await startTestValkey();
const skip = typeof started === "string" ? started : false;

describe("a connection to Valkey", { skip }, () => {
  const server = started as TestValkey;
  const open: { close(): Promise<void> }[] = [];
  const connect = (url = server.url) => {
    const store = openStore(url);
    open.push(store);
    return store;
  };
  let proxy: TcpProxy;
  const viaProxy = () => server.url.replace(`:${server.port}`, `:${proxy.port}`);
  before(async () => {
    proxy = await startTcpProxy(server.port);
  });
  afterEach(async () => {
    proxy.judge = () => "pass";
    proxy.onConnect = "pass";
    for (const one of open.splice(0)) await one.close();
  });
  after(async () => {
    await proxy.close();
    await server.stop();
  });

  test("takes commands when it is durable, by either name of its protocol", async () => {
    for (const url of [server.url, server.url.replace("redis:", "valkey:")]) {
      const { valkey, reaches } = connect(url);
      await reaches("ready");
      assert.equal(await valkey.run((redis) => redis.ping()), "PONG");
    }
  });

  test("refuses at once while it is not there", async () => {
    const { valkey, reaches } = connect("redis://127.0.0.1:1");
    await reaches("away");
    assert.equal(valkey.reason, "the connection failed (ECONNREFUSED)");
    await assert.rejects(
      valkey.run((redis) => redis.ping()),
      (error) =>
        error instanceof Fault && error.kind === "unavailable" && error.details.reason === "VALKEY_UNAVAILABLE",
    );
  });

  for (const [name, wrong, right] of [
    ["appendonly", "no", "yes"],
    ["maxmemory-policy", "allkeys-lru", "noeviction"],
    ["appendfsync", "no", "always"],
  ] as const) {
    test(`takes nothing with ${name} ${wrong}, says so, and takes when it was put right`, async () => {
      await server.admin.config("SET", name, wrong);
      const { valkey, lines, reaches } = connect();
      try {
        await reaches("not_durable");
        await assert.rejects(
          valkey.run((redis) => redis.ping()),
          { kind: "unavailable" },
        );
        assert.match(lines.at(-1)?.message ?? "", /NOT DURABLE, NOTHING IS QUEUED/);
        assert.equal(lines.at(-1)?.level, "error");
      } finally {
        await server.admin.config("SET", name, right);
      }
      await reaches("ready");
    });
  }

  test("without WAITAOF appendfsync must be always", async () => {
    await server.admin.call("ACL", "SETUSER", "older", "on", ">secret", "~*", "&*", "+@all", "-waitaof");
    await server.admin.config("SET", "appendfsync", "everysec");
    const { valkey, reaches } = connect(server.url.replace(/:[^:@/]+@/, "older:secret@"));
    try {
      await reaches("not_durable");
      assert.match(valkey.reason ?? "", /WAITAOF.*everysec.*always/);
    } finally {
      await server.admin.config("SET", "appendfsync", "always");
    }
    await reaches("ready");
  });

  test("a link that says nothing more is dropped within seconds, and made anew", async () => {
    const { valkey, reaches } = connect(viaProxy());
    await reaches("ready");
    proxy.judge = () => "swallow";
    proxy.onConnect = "swallow";
    await assert.rejects(
      valkey.run((redis) => redis.ping()),
      { kind: "unavailable" },
    );
    assert.equal(valkey.state === "ready", false);
    await assert.rejects(
      valkey.runSynced((redis) => redis.ping()),
      { kind: "unavailable" },
    );
    proxy.judge = () => "pass";
    proxy.onConnect = "pass";
    proxy.reset();
    await reaches("ready");
  });

  test("is closed at once, also while it is being opened to a server that says nothing", async () => {
    proxy.onConnect = "swallow";
    const { valkey } = connect(viaProxy());
    const before = proxy.accepted;
    while (proxy.accepted === before) await new Promise((resolve) => setImmediate(resolve));
    const begun = performance.now();
    await valkey.close();
    assert.ok(performance.now() - begun < SILENCE_MS / 2);
    assert.equal(valkey.state, "closed");
  });

  test("a command is never sent again on another connection", async () => {
    const { valkey, reaches } = connect(viaProxy());
    await reaches("ready");
    await server.admin.del("counted");
    let sent = false;
    proxy.judge = (chunk, direction) => {
      if (direction === "up" && chunk.includes("counted")) sent = true;
      return direction === "down" && sent ? "cut" : "pass"; // done by the server, and its answer is lost
    };
    await assert.rejects(
      valkey.run((redis) => redis.incr("counted")),
      { kind: "unavailable" },
    );
    proxy.judge = () => "pass";
    await reaches("away").then(() => reaches("ready"));
    assert.equal(await server.admin.get("counted"), "1");
  });

  test("a server that takes no writes is away", async () => {
    const { valkey, reaches } = connect();
    await reaches("ready");
    await server.admin.replicaof("127.0.0.1", 1);
    try {
      await assert.rejects(
        valkey.run((redis) => redis.set("any", "1")),
        { kind: "unavailable" },
      );
      await reaches("not_durable");
      assert.equal(valkey.reason, "it is a replica");
    } finally {
      await server.admin.replicaof("NO", "ONE");
    }
    await reaches("ready");
  });
});
