import { once as event } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What becomes of bytes on their way to the server (`up`) or back (`down`). */
export type Direction = "up" | "down";
export type Verdict = "pass" | "cut" | "halve" | "swallow";

/**
 * A TCP proxy of a test, for faults that a real network has. `judge` sees every chunk of every connection before it is passed on:
 *
 * - `cut`: the chunk is dropped and both connections are ended at once;
 * - `halve`: the same after the first half of the chunk;
 * - `swallow`: it is dropped, and everything after it both ways: the connection stays open and says nothing more.
 */
export interface TcpProxy {
  readonly port: number;
  judge: (chunk: Buffer, direction: Direction, connection: object) => Verdict;
  /** What becomes of a new connection: passed on, closed at once without a word, or left open and unanswered. */
  onConnect: "pass" | "close" | "swallow";
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Resets every connection. */
  reset(): void;
  close(): Promise<void>;
}

/** Makes the proxy do `verdict` to the first chunk in a direction for which `when` holds, and then pass everything again. */
export function once(proxy: TcpProxy, direction: Direction, when: (chunk: Buffer) => boolean, verdict: Verdict): void {
  proxy.judge = (chunk, towards) => {
    if (towards !== direction || !when(chunk)) return "pass";
    proxy.judge = () => "pass";
    return verdict;
  };
}

/**
 * Makes the proxy do `verdict` to the first chunk that comes back over the connection on which one went up for which `when`
 * holds, and then pass everything again: others are in use meanwhile.
 */
export function onceAnswered(proxy: TcpProxy, when: (chunk: Buffer) => boolean, verdict: Verdict): void {
  let asked: object | undefined;
  proxy.judge = (chunk, direction, connection) => {
    if (asked === undefined && direction === "up" && when(chunk)) asked = connection;
    if (connection !== asked || direction === "up") return "pass";
    proxy.judge = () => "pass";
    return verdict;
  };
}

/** Starts a proxy before 127.0.0.1:`port`. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true });
  const proxy = {
    port: 0,
    accepted: 0,
    judge: (): Verdict => "pass",
    onConnect: "pass" as TcpProxy["onConnect"],
    reset() {
      for (const socket of open) socket.resetAndDestroy();
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await event(server, "close");
    },
  } satisfies TcpProxy as { -readonly [Name in keyof TcpProxy]: TcpProxy[Name] };
  const track = (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
  };
  server.on("connection", (client) => {
    proxy.accepted++;
    track(client);
    if (proxy.onConnect === "close") return client.end();
    if (proxy.onConnect === "swallow") return client.resume();
    const upstream = connect({ host: "127.0.0.1", port, noDelay: true });
    track(upstream);
    join(client, upstream, proxy);
  });
  server.listen(0, "127.0.0.1");
  await event(server, "listening");
  proxy.port = (server.address() as AddressInfo).port;
  return proxy;
}

function join(client: Socket, upstream: Socket, proxy: TcpProxy): void {
  let silent = false;
  const pass = (from: Socket, to: Socket, direction: Direction) => {
    from.on("data", (chunk: Buffer) => {
      const verdict = silent ? "swallow" : proxy.judge(chunk, direction, client);
      if (verdict === "pass") to.write(chunk);
      if (verdict === "swallow") silent = true;
      if (verdict === "halve") to.write(chunk.subarray(0, chunk.length >> 1));
      if (verdict === "cut" || verdict === "halve") {
        client.resetAndDestroy();
        upstream.end();
      }
    });
    from.on("end", () => silent || to.end());
    from.on("close", () => silent || to.destroy());
  };
  pass(client, upstream, "up");
  pass(upstream, client, "down");
}
