import { readFileSync } from "node:fs";
import { ConfigError, type ConfigFault, type Origin, shown } from "./config_error.ts";
import { type FileEntry, parseConfigFile } from "./file.ts";
import { nearest } from "./nearest.ts";
import { rules } from "./rules.ts";
import { CONFIG_FILE_VARIABLE, type Setting, type SettingName, settings, type Values } from "./settings.ts";

export { ConfigError, type ConfigFault } from "./config_error.ts";
export type { HostPort } from "./kinds.ts";

/** Files that make up the service's TLS identity; with `clientCaFile`, clients must show a certificate. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string;
}

type Joined = "tlsCertFile" | "tlsKeyFile" | "tlsClientCaFile" | "otelTracesEndpoint" | "otelEndpoint";

/**
 * What the operator chose, checked as a whole. Times are milliseconds, sizes bytes, ages days; what each means and its
 * limits stand in the table of settings, from which docs/configuration.md is made.
 */
export interface Config extends Omit<Values, Joined> {
  /** Absent: plain text. */
  readonly tls: TlsFiles | undefined;
  /** The complete URL that traces are sent to. Absent: no traces. */
  readonly otlpEndpoint: string | undefined;
}

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

interface Given {
  readonly text: string;
  readonly origin: Origin;
}

/**
 * The configuration that an environment and, where there is one, the text of a configuration file amount to. The
 * environment wins over the file; an empty value counts as absent.
 *
 * @throws ConfigError naming every fault at once: values that break their rule, settings that do not fit together,
 * names with our prefix that are no setting, lines of the file that say nothing.
 */
export function loadConfig(env: Environment, fileText = ""): Config {
  const file = parseConfigFile(fileText);
  const given = new Map<string, Given>();
  for (const [name, { text, line }] of file.entries) given.set(name, { text, origin: { from: "file", line } });
  for (const [name, text] of Object.entries(env)) {
    if (text !== undefined && text.trim() !== "") given.set(name, { text, origin: { from: "environment" } });
  }
  const { values, refused, faults: breaches } = readValues(given);
  const faults = [
    ...file.faults,
    ...unknownInFile(file.entries),
    ...unknownInEnvironment(env),
    ...breaches,
    ...brokenRules(values, refused, given),
  ];
  if (faults.length > 0) throw new ConfigError(faults);
  return join(values);
}

/**
 * The same from a process: the file is `file` (of the `--config` flag) or the one that DATASTORAGE_CONFIG_FILE names.
 *
 * @throws ConfigError as loadConfig, also when the file cannot be read.
 */
export function readConfig(env: Environment, file = env[CONFIG_FILE_VARIABLE]): Config {
  if (file === undefined || file.trim() === "") return loadConfig(env);
  let fileText: string;
  try {
    fileText = readFileSync(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    const rule = `cannot be read (${code}); it must be a file of NAME=value lines`;
    throw new ConfigError([{ variable: CONFIG_FILE_VARIABLE, value: shown(file, false), rule }], { cause });
  }
  return loadConfig(env, fileText);
}

const table = Object.entries(settings) as [SettingName, Setting<unknown>][];
const known = [...table.map(([, { variable }]) => variable), CONFIG_FILE_VARIABLE];

interface Reading {
  readonly values: Values;
  /** Settings whose text broke their rule. */
  readonly refused: ReadonlySet<SettingName>;
  readonly faults: readonly ConfigFault[];
}

function readValues(given: ReadonlyMap<string, Given>): Reading {
  const values: Partial<Record<SettingName, unknown>> = {};
  const refused = new Set<SettingName>();
  const faults: ConfigFault[] = [];
  for (const [name, { variable, kind, fallback, secret }] of table) {
    const text = given.get(variable)?.text.trim() || fallback;
    const parsed = text === undefined ? { value: undefined } : kind.parse(text);
    if (parsed === undefined) {
      refused.add(name);
      const origin = given.get(variable)?.origin;
      faults.push({
        variable,
        value: shown(text ?? "", secret),
        ...(origin && { origin }),
        rule: `must be ${kind.rule}`,
      });
    }
    values[name] = parsed?.value;
  }
  return { values: values as Values, refused, faults };
}

function brokenRules(
  values: Values,
  refused: ReadonlySet<SettingName>,
  given: ReadonlyMap<string, Given>,
): ConfigFault[] {
  return rules
    .filter(({ of, holds }) => !of.some((name) => refused.has(name)) && !holds(values))
    .map(({ of: [first], text: rule }) => {
      const { variable, secret, fallback }: Setting<unknown> = settings[first];
      const text = given.get(variable)?.text.trim() || fallback;
      const origin = given.get(variable)?.origin;
      return { variable, ...(text !== undefined && { value: shown(text, secret) }), ...(origin && { origin }), rule };
    });
}

function unknownInEnvironment(env: Environment): ConfigFault[] {
  return Object.keys(env)
    .filter((name) => /^DATASTORAGE_(?!TEST_)/.test(name) && !known.includes(name))
    .map((variable) => ({ variable, rule: `is no setting; ${suggestion(variable)}` }));
}

function unknownInFile(entries: ReadonlyMap<string, FileEntry>): ConfigFault[] {
  return [...entries]
    .filter(([name]) => name === CONFIG_FILE_VARIABLE || !known.includes(name))
    .map(([variable, { line }]) => {
      const rule =
        variable === CONFIG_FILE_VARIABLE
          ? "cannot stand in the file itself"
          : `is no setting; ${suggestion(variable)}`;
      return { variable, origin: { from: "file", line }, rule };
    });
}

function suggestion(name: string): string {
  const likely = nearest(name, known);
  return likely === undefined ? "`datastorage serve --help` lists them" : `did you mean ${likely}?`;
}

function join(values: Values): Config {
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile, otelTracesEndpoint, otelEndpoint, ...rest } = values;
  const base = values.otlpEndpoint ?? (otelTracesEndpoint === undefined ? otelEndpoint : undefined);
  return {
    ...rest,
    tls:
      tlsCertFile === undefined || tlsKeyFile === undefined
        ? undefined
        : {
            certFile: tlsCertFile,
            keyFile: tlsKeyFile,
            ...(tlsClientCaFile !== undefined && { clientCaFile: tlsClientCaFile }),
          },
    otlpEndpoint: base === undefined ? otelTracesEndpoint : tracesUrl(base),
  };
}

/** A collector's traces resource as the OTLP exporter specification builds it from the base URL. */
function tracesUrl(base: string): string {
  const url = new URL(base);
  if (!url.pathname.endsWith("/v1/traces")) url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return url.href;
}
