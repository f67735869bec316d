import { once } from "node:events";
import { createServer } from "node:net";
import type { Log } from "./log.ts";

const loopback = "127.0.0.1";

/** Whether nothing listens on this port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: loopback, port });
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** A port of 127.0.0.1 that was free a moment ago. Somebody else may take it before it is used, so the use may have to be tried again. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen({ host: loopback, port: 0 });
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port of 127.0.0.1 is free");
  return address.port;
}

/** `preferred` where it is free, else any free port, which is said. 0: any. */
export async function choosePort(server: string, preferred: number, log: Log): Promise<number> {
  if (preferred !== 0 && (await isFree(preferred))) return preferred;
  const port = await freePort();
  if (preferred !== 0) log.warn({ busy: preferred, port }, `port ${preferred} is busy, ${server} takes ${port}`);
  return port;
}
