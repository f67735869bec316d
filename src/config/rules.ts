import { type HostPort, isLoopback } from "./kinds.ts";
import type { SettingName, Values } from "./settings.ts";

/** What must hold between settings. Looked at only where each of `of` is good by itself. */
export interface Rule {
  /** The settings it is about; a breach is reported at the first. */
  readonly of: readonly [SettingName, ...SettingName[]];
  readonly holds: (values: Values) => boolean;
  /** What is asked, as a phrase after the variable's name. */
  readonly text: string;
}

function atMost(smaller: SettingName, larger: SettingName, text: string): Rule {
  return { of: [smaller, larger], holds: (values) => Number(values[smaller]) <= Number(values[larger]), text };
}

const EVERY_HOST = ["0.0.0.0", "::"];

function collide(a: HostPort, b: HostPort): boolean {
  const hostsMeet = a.host === b.host || EVERY_HOST.includes(a.host) || EVERY_HOST.includes(b.host);
  return a.port !== 0 && a.port === b.port && hostsMeet;
}

export const rules: readonly Rule[] = [
  {
    of: ["tlsKeyFile", "tlsCertFile"],
    holds: ({ tlsKeyFile, tlsCertFile }) => tlsCertFile === undefined || tlsKeyFile !== undefined,
    text: "must be given with DATASTORAGE_TLS_CERT_FILE",
  },
  {
    of: ["tlsCertFile", "tlsKeyFile"],
    holds: ({ tlsKeyFile, tlsCertFile }) => tlsKeyFile === undefined || tlsCertFile !== undefined,
    text: "must be given with DATASTORAGE_TLS_KEY_FILE",
  },
  {
    of: ["tlsClientCaFile", "tlsCertFile", "tlsKeyFile"],
    holds: ({ tlsClientCaFile, tlsCertFile, tlsKeyFile }) =>
      tlsClientCaFile === undefined || tlsCertFile !== undefined || tlsKeyFile !== undefined,
    text: "needs DATASTORAGE_TLS_CERT_FILE and DATASTORAGE_TLS_KEY_FILE: client certificates are part of TLS",
  },
  {
    of: ["address", "tlsCertFile", "tlsKeyFile", "allowPlaintext"],
    holds: ({ address, tlsCertFile, tlsKeyFile, allowPlaintext }) =>
      isLoopback(address.host) || allowPlaintext || tlsCertFile !== undefined || tlsKeyFile !== undefined,
    text:
      "must be a loopback address unless DATASTORAGE_TLS_CERT_FILE and DATASTORAGE_TLS_KEY_FILE are given, " +
      "or DATASTORAGE_ALLOW_PLAINTEXT=true says that plain text is wanted",
  },
  {
    of: ["metricsAddress", "address"],
    holds: ({ metricsAddress, address }) => metricsAddress === undefined || !collide(metricsAddress, address),
    text: "must have another port than DATASTORAGE_ADDRESS",
  },
  {
    of: ["logKeyFile", "logKey"],
    holds: ({ logKeyFile, logKey }) => logKeyFile === undefined || logKey === undefined,
    text: "must not be given with DATASTORAGE_LOG_KEY",
  },
  atMost("appendEvents", "pendingEvents", "must not be more than DATASTORAGE_PENDING_EVENTS"),
  atMost("appendBytes", "pendingBytes", "must not be more than DATASTORAGE_PENDING_BYTES"),
  atMost(
    "maxRequestBytes",
    "pendingBytes",
    "must not be more than DATASTORAGE_PENDING_BYTES: such a request could never be taken",
  ),
  atMost("streamWindowBytes", "connectionWindowBytes", "must not be more than DATASTORAGE_CONNECTION_WINDOW"),
  atMost("keepaliveTimeoutMs", "keepaliveIntervalMs", "must not be longer than DATASTORAGE_KEEPALIVE_INTERVAL"),
  atMost("maxConnectionAgeGraceMs", "maxConnectionAgeMs", "must not be longer than DATASTORAGE_MAX_CONNECTION_AGE"),
];
