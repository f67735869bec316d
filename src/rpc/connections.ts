import type { Socket } from "node:net";
import { Fault } from "../fault.ts";
import type { Connection } from "./connection.ts";
import type { NodeRequest } from "./exchange.ts";

/** The connections of a server. */
export class Connections {
  readonly #open = new Set<Connection>();
  /** By what a request leads to: the session of HTTP/2, the socket of HTTP/1.1. */
  readonly #byCarrier = new WeakMap<object, Connection>();
  readonly #changed: (count: number) => void;
  #none: (() => void)[] = [];
  #retired = false;

  constructor(changed: ((count: number) => void) | undefined) {
    this.#changed = changed ?? (() => {});
  }

  get count(): number {
    return this.#open.size;
  }

  add(socket: Socket, carrier: object, connection: Connection): void {
    this.#byCarrier.set(carrier, connection);
    this.#open.add(connection);
    this.#changed(this.#open.size);
    socket.once("close", () => {
      this.#open.delete(connection);
      this.#changed(this.#open.size);
      if (this.#open.size > 0) return;
      for (const resolve of this.#none.splice(0)) resolve();
    });
    if (this.#retired) connection.retire("shutdown");
  }

  of(request: NodeRequest): Connection {
    const carrier = "stream" in request ? request.stream.session : request.socket;
    const connection = carrier === undefined ? undefined : this.#byCarrier.get(carrier);
    if (connection === undefined) throw new Fault("unavailable", "the connection has closed", { reason: "CLOSED" });
    return connection;
  }

  /** Asks all to go, also those that are still to come. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#open) connection.retire("shutdown");
  }

  destroy(): void {
    for (const connection of this.#open) connection.destroy();
  }

  /** Resolves when none is open. */
  none(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#none.push(resolve));
  }
}
