import { readFileSync } from "node:fs";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { DeadLetterService } from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { IntegrityService } from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { CatalogService } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { ReconstructionService } from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { formatHostPort, type HostPort, hostPort } from "../config/kinds.ts";
import type { Flags, Given, Invocation } from "./command.ts";
import { UsageError } from "./exit_code.ts";
import { durationOf } from "./values.ts";

/** The flags of every command that talks to a service. */
export const connectionFlags = {
  address: {
    value: "HOST:PORT",
    help: "where the service is; http:// or https:// may stand before it (default: DATASTORAGE_ADDRESS, else 127.0.0.1:8080)",
  },
  tls: { help: "use TLS, as https:// in the address does" },
  "ca-file": { value: "FILE", help: "authorities in PEM form that sign the service's certificate; implies --tls" },
  "client-cert-file": { value: "FILE", help: "certificate to show to the service, in PEM form; implies --tls" },
  "client-key-file": { value: "FILE", help: "private key of that certificate, in PEM form" },
  timeout: { value: "DURATION", help: "the longest that one answer may take (default 30s)" },
} as const satisfies Flags;

const DEFAULT_ADDRESS = "127.0.0.1:8080";
const DEFAULT_TIMEOUT_MS = 30_000;
/** A page of events is at most 4 MiB; more than this comes from something that is no DataStorage. */
const READ_MAX_BYTES = 16 * 1024 * 1024;
const PING_INTERVAL_MS = 20_000;
const PING_TIMEOUT_MS = 10_000;

/** Which service a command talks to, and how. */
export interface Target {
  readonly address: HostPort;
  /** Absent: plain text. */
  readonly tls: TlsMaterial | undefined;
  readonly timeoutMs: number;
}

interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** An open way to a service. Nothing is sent before the first call. */
export interface Connection {
  readonly client: Client<typeof AuditService>;
  readonly deadLetters: Client<typeof DeadLetterService>;
  readonly catalog: Client<typeof CatalogService>;
  readonly reconstruction: Client<typeof ReconstructionService>;
  readonly integrity: Client<typeof IntegrityService>;
  readonly target: Target;
  close(): void;
}

/** Reads the flags that name a service. @throws UsageError for addresses that are none and files that cannot be read. */
export function readTarget(given: Given, env: Readonly<Record<string, string | undefined>>): Target {
  const flag = given.text("address");
  const [source, text] =
    flag === undefined ? ["DATASTORAGE_ADDRESS", env["DATASTORAGE_ADDRESS"] || DEFAULT_ADDRESS] : ["--address", flag];
  const [, scheme, rest = ""] = /^(?:(https?):\/\/)?(.*?)\/?$/.exec(text.trim()) ?? [];
  const address = hostPort.parse(rest)?.value;
  if (address === undefined || address.port === 0) {
    throw new UsageError(`${source} must be host:port such as ${DEFAULT_ADDRESS}, and not ${JSON.stringify(text)}`);
  }
  const tls = readTls(given, scheme);
  return { address: reachable(address), tls, timeoutMs: durationOf(given, "timeout", 1) ?? DEFAULT_TIMEOUT_MS };
}

/** A service may listen on all addresses; nobody can connect to all of them. */
function reachable({ host, port }: HostPort): HostPort {
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  return /^[0:]+$/.test(host) ? { host: "::1", port } : { host, port };
}

function readTls(given: Given, scheme: string | undefined): TlsMaterial | undefined {
  const read = (name: string): string | undefined => {
    const file = given.text(name);
    if (file === undefined) return undefined;
    try {
      return readFileSync(file, "utf8");
    } catch (cause) {
      throw new UsageError(`--${name} ${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
    }
  };
  const material = { ca: read("ca-file"), cert: read("client-cert-file"), key: read("client-key-file") };
  if ((material.cert === undefined) !== (material.key === undefined)) {
    throw new UsageError("--client-cert-file and --client-key-file go together");
  }
  const present = Object.fromEntries(Object.entries(material).filter(([, text]) => text !== undefined));
  const wanted = scheme === "https" || given.has("tls") || Object.keys(present).length > 0;
  if (wanted && scheme === "http") throw new UsageError("the address begins with http://, but other flags ask for TLS");
  return wanted ? present : undefined;
}

/** Connects to the service that the flags name, over gRPC. @throws UsageError as readTarget. */
export function connect({ given, terminal }: Invocation): Connection {
  const target = readTarget(given, terminal.env);
  const baseUrl = urlOf(target);
  const ping = { pingIntervalMs: PING_INTERVAL_MS, pingTimeoutMs: PING_TIMEOUT_MS };
  const sessionManager = new Http2SessionManager(baseUrl, ping, { ...target.tls });
  const transport = createGrpcTransport({ baseUrl, sessionManager, readMaxBytes: READ_MAX_BYTES });
  return {
    client: createClient(AuditService, transport),
    deadLetters: createClient(DeadLetterService, transport),
    catalog: createClient(CatalogService, transport),
    reconstruction: createClient(ReconstructionService, transport),
    integrity: createClient(IntegrityService, transport),
    target,
    close: () => sessionManager.abort(),
  };
}

/** How a person writes where a service is. */
export function urlOf({ address, tls }: Target): string {
  return `${tls === undefined ? "http" : "https"}://${formatHostPort(address)}`;
}
