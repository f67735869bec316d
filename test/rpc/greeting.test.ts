import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { versionOf } from "../../src/rpc/listener.ts";
import { obligingAudit, startTestServer, type TestServer } from "./support.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** An empty SETTINGS frame. */
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const SETTINGS_TYPE = 4;
const GET = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";

describe("the version of HTTP that a connection begins with", () => {
  it("is HTTP/2 for the whole preface, undecided for any part of it, HTTP/1.1 for all else", () => {
    for (let length = 0; length < PREFACE.length; length += 1) {
      assert.equal(versionOf(Buffer.from(PREFACE.slice(0, length))), undefined, `${length} bytes`);
      assert.equal(versionOf(Buffer.from(`${PREFACE.slice(0, length)}x`)), "http/1.1", `${length} bytes and an x`);
    }
    assert.equal(versionOf(Buffer.from(PREFACE)), "h2");
    assert.equal(versionOf(Buffer.from(`${PREFACE}more`)), "h2");
    assert.equal(versionOf(Buffer.from("PUT / HTTP/1.1")), "http/1.1");
  });
});

describe("a connection in plain text", () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(obligingAudit, { greetingMs: 100 });
  });
  after(() => server.close({ timeoutMs: 5000 }));

  async function open(): Promise<Socket> {
    const socket = connect(server.address.port, "127.0.0.1");
    socket.setNoDelay(true).on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  /** Writes byte by byte, each in a segment of its own as far as that can be said. */
  async function dribble(socket: Socket, text: string): Promise<void> {
    for (const byte of Buffer.from(text)) {
      await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it("speaks HTTP/2 after a preface in pieces", async () => {
    const socket = await open();
    await dribble(socket, PREFACE);
    socket.write(SETTINGS);
    const [frame] = (await once(socket, "data")) as [Buffer];
    assert.equal(frame[3], SETTINGS_TYPE);
    socket.destroy();
  });

  it("speaks HTTP/1.1 after a request in pieces, and for more than one request", async () => {
    const socket = await open();
    await dribble(socket, GET);
    const [first] = (await once(socket, "data")) as [Buffer];
    assert.match(first.toString(), /^HTTP\/1\.1 404 /);
    socket.write(GET);
    const [second] = (await once(socket, "data")) as [Buffer];
    assert.match(second.toString(), /^HTTP\/1\.1 404 /);
    socket.destroy();
  });

  it("answers requests that came in one piece with each other in order", async () => {
    const socket = await open();
    let heard = "";
    socket.on("data", (bytes) => {
      heard += bytes;
    });
    socket.write(GET + GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
    await once(socket, "close");
    assert.equal(heard.match(/HTTP\/1\.1 404 /g)?.length, 2);
  });

  it("is told of garbage and closed, also of garbage that begins like a preface", async () => {
    for (const garbage of [
      "\u0000\u0001\u0002\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
      "\u0016\u0003\u0001\u0002\u0000\u0001\r\n",
    ]) {
      const socket = await open();
      let heard = "";
      socket.on("data", (bytes) => {
        heard += bytes;
      });
      socket.write(garbage);
      await once(socket, "close");
      assert.match(heard, /^HTTP\/1\.1 400 Bad Request/);
    }
  });

  it("is closed when nothing, or half a preface, comes in time", async () => {
    for (const beginning of ["", "PRI * HT"]) {
      const socket = await open();
      socket.write(beginning);
      socket.resume();
      await once(socket, "close");
    }
  });

  it("is dropped without a trace when it ends before it began", async () => {
    const socket = await open();
    socket.end("PRI");
    socket.resume();
    await once(socket, "close");
    assert.deepEqual(
      server.logs.filter(({ level }) => (level as number) >= 40),
      [],
    );
  });

  it("does not end the server with frames that are none", async () => {
    const socket = await open();
    socket.write(PREFACE);
    socket.write(Buffer.alloc(1000, 0xff));
    socket.resume();
    await once(socket, "close");
    assert.equal((await fetch(`${server.url}/healthz`)).status, 404);
  });
});
