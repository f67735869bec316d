import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { type Link, startLink } from "../../hammer/stage/link.ts";

/** Sends back what it gets. */
const echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
let link: Link;

before(async () => {
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  link = await startLink(() => (echo.address() as AddressInfo).port);
});
after(async () => {
  await link.close();
  echo.close();
});

async function open(): Promise<Socket> {
  const socket = connect(link.port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

async function answer(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [data] = (await once(socket, "data")) as [Buffer];
  return data.toString();
}

async function closed(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

test("what is sent passes both ways, in its order, also while it is slow", async () => {
  const socket = await open();
  assert.equal(await answer(socket, "a"), "a");
  const undo = link.disturb({ delayMs: 30 });
  socket.write("b");
  const slow = answer(socket, "");
  assert.equal(await slow, "b");
  socket.write("c");
  undo();
  let got = "";
  socket.on("data", (data) => {
    got += data;
  });
  socket.end("d");
  await closed(socket);
  assert.equal(got, "cd");
});

test("while it refuses, connections are reset and new ones refused; then they pass again", async () => {
  const socket = await open();
  const undo = link.disturb({ refuse: true });
  await closed(socket);
  await assert.rejects(open(), { code: "ECONNREFUSED" });
  undo();
  for (;;) {
    const again = await open().catch(() => undefined);
    if (again === undefined) continue;
    assert.equal(await answer(again, "e"), "e");
    again.destroy();
    return;
  }
});

test("a connection that is used while the link is half open never answers again, a new one does", async () => {
  const [used, other] = [await open(), await open()];
  const undo = link.disturb({ swallow: true });
  let heard = false;
  used.on("data", () => {
    heard = true;
  });
  used.write("f");
  // The link sees connections in their order: what this one sent has come there when the next is answered.
  await new Promise((resolve) => setImmediate(resolve));
  const fresh = await open();
  undo();
  used.write("g");
  assert.equal(await answer(fresh, "h"), "h");
  assert.equal(heard, false);
  for (const socket of [used, other, fresh]) socket.destroy();
});

test("an answer can be dropped, with a reset in its place", async () => {
  const socket = await open();
  const undo = link.disturb({ judge: (_chunk, direction) => (direction === "down" ? "cut" : "pass") });
  socket.on("data", () => assert.fail("the answer came through"));
  socket.write("i");
  await closed(socket);
  undo();
});
