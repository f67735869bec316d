import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What a fault does to a link while it lasts. */
export interface Disturbance {
  /** New connections are refused, and those that were open are reset. */
  readonly refuse?: boolean;
  /** Milliseconds that every chunk takes longer, both ways. */
  readonly delayMs?: number;
  /** What is sent vanishes, both ways and for good: a connection that was used meanwhile never says anything again. */
  readonly swallow?: boolean;
  /** Decides over each chunk before it is passed on; `cut` resets the caller's side instead and ends the other. */
  readonly judge?: (chunk: Buffer, direction: "up" | "down", connection: object) => "pass" | "cut" | "pass_and_cut";
}

/** Milliseconds until a side of a half-open connection learns that the other is gone. */
const KEEPALIVE_MS = 10_000;

/** A TCP proxy between one service and one store, for faults that a real network has. */
export interface Link {
  readonly port: number;
  /** Disturbs it until what is returned is called. Several disturbances add up. */
  disturb(disturbance: Disturbance): () => void;
  /** Whether one of its connections reaches the store from this local port. */
  comesFrom(port: number): boolean;
  /** Resets every connection. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts one before 127.0.0.1:`upstream()`. */
export async function startLink(upstream: () => number): Promise<Link> {
  const disturbances = new Set<Disturbance>();
  const open = new Set<Socket>();
  const upstreams = new Set<Socket>();
  const track = (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {}); // A reset is what links are for.
  };
  const accept = (client: Socket) => {
    track(client);
    const server = connect({ host: "127.0.0.1", port: upstream(), noDelay: true, allowHalfOpen: true });
    track(server);
    upstreams.add(server);
    server.on("close", () => upstreams.delete(server));
    join(client, server, disturbances);
  };
  let listener = await listen(0, accept);
  const { port } = listener.address() as AddressInfo;
  let closed = false;
  const reset = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const isRefusing = () => [...disturbances].some(({ refuse }) => refuse);
  let turn = Promise.resolve();
  const openOrShut = () => {
    turn = turn.then(async () => {
      const wanted = !closed && !isRefusing();
      if (wanted === listener.listening) return;
      if (wanted) listener = await listen(port, accept);
      else await shut(listener, reset);
    });
    return turn;
  };
  return {
    port,
    comesFrom: (local) => [...upstreams].some(({ localPort }) => localPort === local),
    reset,
    disturb(disturbance) {
      disturbances.add(disturbance);
      void openOrShut();
      return () => {
        disturbances.delete(disturbance);
        void openOrShut();
      };
    },
    async close() {
      closed = true;
      await openOrShut();
    },
  };
}

async function listen(port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, accept);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function shut(server: Server, reset: () => void): Promise<void> {
  const closed = once(server, "close");
  server.close();
  reset();
  await closed;
}

function join(client: Socket, server: Socket, disturbances: ReadonlySet<Disturbance>): void {
  const connection = { silent: false };
  const cut = () => {
    client.resetAndDestroy();
    server.end();
  };
  const giveUp = () => {
    client.destroy();
    server.destroy();
  };
  const pass = (from: Socket, to: Socket, direction: "up" | "down") => {
    const lane = new DelayLane(from, to);
    from.on("data", (chunk: Buffer) => {
      let delayMs = 0;
      for (const disturbance of disturbances) {
        if (disturbance.swallow) connection.silent = true;
        delayMs += disturbance.delayMs ?? 0;
      }
      if (connection.silent) return;
      for (const { judge } of disturbances) {
        const verdict = judge?.(chunk, direction, connection) ?? "pass";
        if (verdict === "pass_and_cut") to.write(chunk);
        if (verdict !== "pass") return cut();
      }
      lane.send(chunk, delayMs);
    });
    // That one side is gone is no news to the other on a half-open connection, until it asks whether the peer still lives.
    const late = () => setTimeout(giveUp, KEEPALIVE_MS).unref();
    from.on("end", () => (connection.silent ? late() : lane.end()));
    from.on("close", (hadError) => (connection.silent ? late() : hadError && to.resetAndDestroy()));
  };
  pass(client, server, "up");
  pass(server, client, "down");
}

/** Passes chunks on in their order, each after its delay, and reads no faster than can be written. */
class DelayLane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #waiting: { chunk: Buffer | undefined; at: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
  }

  send(chunk: Buffer, delayMs: number): void {
    if (delayMs === 0 && this.#waiting.length === 0) this.#write(chunk);
    else this.#queue(chunk, delayMs);
  }

  end(): void {
    if (this.#waiting.length === 0) this.#to.end();
    else this.#queue(undefined, 0);
  }

  #queue(chunk: Buffer | undefined, delayMs: number): void {
    const last = this.#waiting.at(-1)?.at ?? 0;
    this.#waiting.push({ chunk, at: Math.max(last, performance.now() + delayMs) });
    this.#schedule();
  }

  #schedule(): void {
    const next = this.#waiting[0];
    if (next === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, next.at - performance.now()));
  }

  #flush(): void {
    this.#timer = undefined;
    for (let next = this.#waiting[0]; next !== undefined && next.at <= performance.now() + 1; next = this.#waiting[0]) {
      this.#waiting.shift();
      if (next.chunk === undefined) this.#to.end();
      else this.#write(next.chunk);
    }
    this.#schedule();
  }

  #write(chunk: Buffer): void {
    if (this.#to.destroyed || this.#to.write(chunk)) return;
    this.#from.pause();
    this.#to.once("drain", () => this.#from.resume());
  }
}
