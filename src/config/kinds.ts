import { isIP } from "node:net";

/** A value that a text stands for; absent when the text breaks the kind's rule. */
export type Parsed<T> = { readonly value: T } | undefined;

/** One way of writing a value: what the reference says about it, and how its text is read. */
export interface Kind<T> {
  /** How a value is written and what limits it has, for the reference: `integer, 1 to 200`. */
  readonly syntax: string;
  /** What a refused value is told, as a phrase after "must be". */
  readonly rule: string;
  readonly parse: (text: string) => Parsed<T>;
}

/** A network address to listen on or connect to. Port 0 lets the operating system choose one. */
export interface HostPort {
  /** A name or an IP address, IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
}

const HOST_NAME =
  /^(?=.{1,253}$)[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\.?$/;

function parseHostPort(text: string): Parsed<HostPort> {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text);
  const { v6, name, port } = match?.groups ?? {};
  const host = v6 ?? name;
  if (host === undefined || Number(port) > 65_535) return undefined;
  const wellFormed =
    v6 === undefined ? isIP(host) === 4 || (HOST_NAME.test(host) && !/^[\d.]+$/.test(host)) : isIP(v6) === 6;
  return wellFormed ? { value: { host, port: Number(port) } } : undefined;
}

/** `host:port`; IPv6 in brackets; port 0 to 65535. */
export const hostPort: Kind<HostPort> = {
  syntax: "host:port",
  rule: "host:port such as 127.0.0.1:8080 or [::1]:8080, with a port from 0 to 65535 (0: a free one)",
  parse: parseHostPort,
};

/** `host:port`, or `off` for none. */
export const hostPortOrOff: Kind<HostPort | undefined> = {
  syntax: "host:port or `off`",
  rule: `${hostPort.rule}, or off`,
  parse: (text) => (text === "off" ? { value: undefined } : parseHostPort(text)),
};

/** How `host` and `port` are written together, IPv6 in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only processes of this machine can reach an address: 127.0.0.0/8, ::1 (also mapped) or `localhost`. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith("127.");
  return ["localhost", "::1", "0:0:0:0:0:0:0:1"].includes(host.toLowerCase()) || /^::ffff:127\.[\d.]+$/i.test(host);
}

/** `true` or `false`. */
export const boolean: Kind<boolean> = {
  syntax: "`true` or `false`",
  rule: "true or false",
  parse: (text) => (text === "true" ? { value: true } : text === "false" ? { value: false } : undefined),
};

/** A whole number from `least` to `most`. */
export function integer(least: number, most: number): Kind<number> {
  return {
    syntax: `integer, ${least} to ${most}`,
    rule: `an integer from ${least} to ${most}`,
    parse: (text) => (/^-?\d+$/.test(text) ? within(Number(text), least, most) : undefined),
  };
}

const MILLISECONDS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** A span of time from `least` to `most` (both written as durations), read as milliseconds. */
export function duration(least: string, most: string): Kind<number> {
  const [low, high] = [limit(parseDuration, least), limit(parseDuration, most)];
  return {
    syntax: `duration, ${least} to ${most}`,
    rule: `a duration such as 500ms, 2s, 30m or 1h, from ${least} to ${most}`,
    parse: (text) => within(parseDuration(text), low, high),
  };
}

/** Milliseconds of `500ms`, `2s`, `30m`, `1h` or a bare `0`; undefined for anything else, also for more than 2^53 - 1. */
export function parseDuration(text: string): number | undefined {
  return text === "0" ? 0 : scaled(/^(\d+)(ms|s|m|h)$/.exec(text), MILLISECONDS);
}

/** The shortest way to write a whole number of milliseconds: 90000 is `90s`, 3600000 is `1h`. */
export function formatDuration(milliseconds: number): string {
  return inLargestUnit(milliseconds, MILLISECONDS, "ms");
}

const BYTES = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, B: 1 } as const;

/** An amount of memory from `least` to `most` (both written as amounts), read as bytes. */
export function bytes(least: string, most: string): Kind<number> {
  const [low, high] = [limit(parseBytes, least), limit(parseBytes, most)];
  return {
    syntax: `bytes, ${least} to ${most}`,
    rule: `an amount of bytes such as 65536, 64KiB, 4MiB or 1GiB, from ${least} to ${most}`,
    parse: (text) => within(parseBytes(text), low, high),
  };
}

/** Bytes of `65536`, `512B`, `64KiB`, `4MiB`, `1GiB`; undefined for anything else, also for more than 2^53 - 1. */
export function parseBytes(text: string): number | undefined {
  return scaled(/^(\d+)(B|KiB|MiB|GiB)?$/.exec(text), BYTES);
}

/** The shortest way to write a whole number of bytes: 4194304 is `4MiB`, 1000 is `1000B`. */
export function formatBytes(amount: number): string {
  return inLargestUnit(amount, BYTES, "B");
}

/** A path of a file or folder; relative ones start at the working directory. */
export const path: Kind<string> = {
  syntax: "path",
  rule: "a path",
  parse: (text) => (text.includes("\0") ? undefined : { value: text }),
};

/** A URL with one of the `schemes` and a host; several hosts may stand with commas between, as database drivers allow. */
export function url(...schemes: readonly string[]): Kind<string> {
  const prefixes = schemes.map((scheme) => `${scheme}://`);
  return {
    syntax: `URL, ${prefixes.map((prefix) => `\`${prefix}\``).join(" or ")}`,
    rule: `a URL that begins with ${prefixes.join(" or ")} and names a host`,
    parse: (text) => {
      const [, scheme, credentials, hosts, rest] = /^([a-z]+:\/\/)([^/?#]*@)?([^/?#]+)(.*)$/.exec(text) ?? [];
      if (scheme === undefined || hosts === undefined || !prefixes.includes(scheme)) return undefined;
      const whole = hosts
        .split(",")
        .every((host) => host !== "" && URL.canParse(`${scheme}${credentials ?? ""}${host}${rest}`));
      return whole ? { value: text } : undefined;
    },
  };
}

/** One of a closed list of words. */
export function oneOf<const Word extends string>(...words: readonly Word[]): Kind<Word> {
  return {
    syntax: words.map((word) => `\`${word}\``).join(", "),
    rule: `one of ${words.join(", ")}`,
    parse: (text) => {
      const value = words.find((word) => word === text);
      return value === undefined ? undefined : { value };
    },
  };
}

function within(value: number | undefined, least: number, most: number): Parsed<number> {
  return value !== undefined && value >= least && value <= most ? { value } : undefined;
}

function scaled(match: RegExpExecArray | null, units: Readonly<Record<string, number>>): number | undefined {
  if (match === null) return undefined;
  const value = Number(match[1]) * (units[match[2] ?? ""] ?? 1);
  return Number.isSafeInteger(value) ? value : undefined;
}

function inLargestUnit(value: number, units: Readonly<Record<string, number>>, smallest: string): string {
  const [unit, size] = Object.entries(units).find(([, size]) => value > 0 && value % size === 0) ?? [smallest, 1];
  return `${value / size}${unit}`;
}

function limit(parse: (text: string) => number | undefined, text: string): number {
  const value = parse(text);
  if (value === undefined) throw new TypeError(`${text} is no limit of a setting`);
  return value;
}
