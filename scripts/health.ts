// Asks the service that is configured as this process is whether it serves: what containers use as their health check.
// Prints the answer of grpc.health.v1.Health/Check and ends with 0 for SERVING, with 1 for anything else.
import { readFileSync } from "node:fs";
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { text } from "node:stream/consumers";
import { type Config, readConfig } from "../src/config/config.ts";

const TIMEOUT_MS = 4_000;
/** Where a server that listens on every address is reached from its own machine. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

try {
  const status = await statusOf(readConfig(process.env));
  console.log(status);
  process.exitCode = status === "SERVING" ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error && error.message !== "" ? error.message : error);
  process.exitCode = 1;
}

/** The call in the form of the Connect protocol, which is one JSON request; the port speaks it beside gRPC. */
function statusOf({ address: { host, port }, tls }: Config): Promise<string> {
  const options = {
    ...(tls === undefined ? {} : identity(tls)),
    host: LOOPBACK[host] ?? host,
    port,
    path: "/grpc.health.v1.Health/Check",
    method: "POST",
    headers: { "content-type": "application/json" },
    timeout: TIMEOUT_MS,
  };
  return new Promise((resolve, reject) => {
    const call = tls === undefined ? requestPlain(options) : requestTls(options);
    call.on("timeout", () => call.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    call.on("error", reject);
    call.on("response", (response) => {
      text(response).then((body) => resolve(statusIn(body) ?? `HTTP ${response.statusCode}: ${body}`), reject);
    });
    call.end("{}");
  });
}

/**
 * The service asks itself: it knows its certificate, which need not name the loopback address. Where clients must show a
 * certificate it shows the same one, which the authority of the clients must have signed then.
 */
function identity({ certFile, keyFile, clientCaFile }: NonNullable<Config["tls"]>) {
  const shown = clientCaFile === undefined ? {} : { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  return { ...shown, rejectUnauthorized: false };
}

/** The status in the answer to a check; undefined for an error, whose body has none. */
function statusIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { status?: string }).status;
  } catch {
    return undefined;
  }
}
