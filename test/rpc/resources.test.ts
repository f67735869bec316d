// What is read by plain HTTP beside the calls, over both versions of HTTP.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:http2";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Fault } from "../../src/fault.ts";
import type { Resource, Resources } from "../../src/rpc/resources.ts";
import { obligingAudit, startTestServer, type TestServer } from "./support.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

type Ask = (method: string, path: string, headers?: Record<string, string>, body?: string) => Promise<Answer>;

const overHttp1 =
  (server: () => TestServer): Ask =>
  async (method, path, headers = {}, body = "") => {
    const sent = request({ host: "127.0.0.1", port: server().address.port, method, path, headers, agent: false });
    sent.end(body);
    const [response] = await once(sent, "response");
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };

const overHttp2 =
  (server: () => TestServer): Ask =>
  async (method, path, headers = {}, body = "") => {
    const session = connect(server().url);
    try {
      const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: body === "" });
      if (body !== "") stream.end(body);
      const [answered] = await once(stream, "response");
      return { status: answered[":status"], headers: answered, body: await text(stream) };
    } finally {
      session.close();
    }
  };

const leaf = (body: string): Resource => ({
  body: Buffer.from(body),
  contentType: "text/x-leaf",
  cacheControl: "max-age=7",
});

const RESOURCES: readonly Resources[] = [
  { path: "/one", read: async () => leaf("the one") },
  {
    path: "/many/",
    async read(path) {
      const name = path.slice("/many/".length);
      if (name === "away") throw new Fault("unavailable", "no store", { reason: "AWAY", retryAfterMs: 2500 });
      if (name === "full") throw new Fault("exhausted", "no room", { reason: "FULL", retryAfterMs: 10 });
      if (name === "broken") throw new Error("the secret of the house");
      return name === "" ? undefined : leaf(name);
    },
  },
];

for (const [version, asking] of [
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
] as const) {
  describe(`resources over ${version}`, () => {
    let server: TestServer;
    const ask = asking(() => server);
    before(async () => {
      server = await startTestServer(obligingAudit, { resources: RESOURCES });
    });
    after(() => server.close({ timeoutMs: 5000 }));

    it("answers GET whole, with what caches need, whatever the query and the caller's own headers", async () => {
      for (const [path, body] of Object.entries({ "/one": "the one", "/one?x=/y": "the one", "/many/a/b": "a/b" })) {
        const answer = await ask("GET", path, { "content-type": "application/json" });
        assert.deepEqual([answer.status, answer.body], [200, body]);
        assert.equal(answer.headers["content-type"], "text/x-leaf");
        assert.equal(answer.headers["cache-control"], "max-age=7");
        assert.equal(answer.headers["content-length"], String(body.length));
      }
    });

    it("answers HEAD as GET, without the body", async () => {
      const { status, headers, body } = await ask("HEAD", "/one");
      assert.deepEqual(
        [status, headers["content-length"], headers["cache-control"], body],
        [200, "7", "max-age=7", ""],
      );
      assert.equal((await ask("HEAD", "/many/")).status, 404);
      assert.deepEqual(await ask("HEAD", "/many/away").then(({ status, body }) => [status, body]), [503, ""]);
    });

    it("has nothing elsewhere", async () => {
      for (const path of ["/", "/on", "/one/", "/one/more", "/many", "/many/", "/many/?x", "//one", "/One", "/%6fne"]) {
        assert.deepEqual(await ask("GET", path).then(({ status, body }) => [path, status, body]), [path, 404, ""]);
      }
    });

    it("refuses other verbs, and leaves calls what they are", async () => {
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
        const { status, headers } = await ask(method, "/one", { "content-length": "4" }, "body");
        assert.deepEqual([method, status, headers["allow"]], [method, 405, "GET, HEAD"]);
      }
      const call = await ask("POST", "/one", { "content-type": "application/json" }, "{}");
      assert.equal(JSON.parse(call.body).code, "unimplemented");
      const path = "/kubernaut.audit.v1.AuditService/GetServiceInfo";
      const info = await ask("POST", path, { "content-type": "application/json" }, "{}");
      assert.deepEqual([info.status, JSON.parse(info.body).version], [200, "test"]);
      assert.equal((await ask("GET", path)).status, 405);
    });

    it("says when to come again, and of a defect no more than an id", async () => {
      const away = await ask("GET", "/many/away");
      assert.deepEqual([away.status, away.headers["retry-after"], away.body], [503, "3", "no store\n"]);
      assert.equal(away.headers["cache-control"], "no-store");
      const full = await ask("GET", "/many/full");
      assert.deepEqual([full.status, full.headers["retry-after"]], [429, "1"]);
      const broken = await ask("GET", "/many/broken");
      assert.equal(broken.status, 500);
      assert.ok(!broken.body.includes("secret"), broken.body);
      assert.ok(server.logs.some((line) => JSON.stringify(line).includes("the secret of the house")));
    });
  });
}

/** A resource that is read until the test says so. */
function slow() {
  const begun = Promise.withResolvers<AbortSignal>();
  const value = Promise.withResolvers<Resource>();
  const read = (_: string, signal: AbortSignal) => {
    begun.resolve(signal);
    return value.promise;
  };
  return { resources: [{ path: "/slow", read }], begun: begun.promise, value };
}

for (const [version, asking] of [
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
] as const) {
  it(`a shutdown waits for a read over ${version}`, async () => {
    const { resources, begun, value } = slow();
    const server = await startTestServer(obligingAudit, { resources });
    const answered = asking(() => server)("GET", "/slow");
    await begun;
    const closed = server.close({ timeoutMs: 5000 });
    value.resolve(leaf("late"));
    assert.deepEqual(await answered.then(({ status, body }) => [status, body]), [200, "late"]);
    await closed;
  });

  it(`a shutdown cuts off a read over ${version} that takes too long`, async () => {
    const { resources, begun, value } = slow();
    const server = await startTestServer(obligingAudit, { resources });
    const answered = asking(() => server)("GET", "/slow");
    const signal = await begun;
    await server.close({ timeoutMs: 10 });
    assert.ok(signal.aborted);
    const { status, headers } = await answered;
    assert.deepEqual([status, headers["retry-after"]], [503, "1"]);
    value.resolve(leaf("nobody waits"));
  });
}

it("a shutdown waits for a read whose caller has gone", async () => {
  const { resources, begun, value } = slow();
  const server = await startTestServer(obligingAudit, { resources });
  const sent = request({ host: "127.0.0.1", port: server.address.port, path: "/slow", agent: false });
  sent.on("error", () => {});
  sent.end();
  const signal = await begun;
  const gone = once(signal, "abort");
  sent.destroy();
  await gone;
  while (server.connections() > 0) await setImmediate();
  let closed = false;
  const closing = server.close({ timeoutMs: 5000 }).then(() => {
    closed = true;
  });
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  assert.equal(closed, false);
  value.resolve(leaf("nobody waits"));
  await closing;
});

it("refuses reads over their bound, and takes them again", async () => {
  const gate = Promise.withResolvers<Resource>();
  const bound = Promise.withResolvers<void>();
  let reading = 0;
  const read = () => {
    reading += 1;
    if (reading === 512) bound.resolve();
    return gate.promise;
  };
  const server = await startTestServer(obligingAudit, {
    resources: [{ path: "/r", read }],
    maxConcurrentStreams: 1000,
  });
  const session = connect(server.url);
  const get = async () => {
    const stream = session.request({ ":path": "/r" });
    const [answered] = await once(stream, "response");
    stream.resume();
    return answered[":status"];
  };
  try {
    const held = Array.from({ length: 512 }, get);
    await bound.promise;
    assert.equal(await get(), 429);
    gate.resolve(leaf("done"));
    assert.deepEqual(new Set(await Promise.all(held)), new Set([200]));
    assert.equal(await get(), 200);
  } finally {
    session.close();
    await server.close({ timeoutMs: 1000 });
  }
});
