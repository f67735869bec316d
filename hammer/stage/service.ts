import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CLOCK_VARIABLE } from "../../src/clock.ts";
import { FAILPOINT_VARIABLE } from "../../src/failpoint.ts";
import { KeptServer, type Life } from "./kept_server.ts";
import { type Link, startLink } from "./link.ts";

const entry = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const tether = new URL("./tethered.ts", import.meta.url).href;

/** A `datastorage serve` on a fixed port, with links of its own to both stores. */
export interface StageService {
  readonly number: number;
  readonly address: string;
  readonly server: KeptServer;
  readonly postgres: Link;
  readonly valkey: Link;
  /** Arms a failpoint for the next life, and for that alone. */
  arm(failpoint: string): void;
  /** Milliseconds that its clock is ahead of the machine's, or behind. */
  setClock(offsetMs: number): void;
  close(): Promise<void>;
}

export interface StageServiceOptions {
  readonly folder: string;
  readonly number: number;
  readonly port: number;
  readonly postgres: { readonly url: string; port(): number };
  readonly valkey: { readonly url: string; port(): number };
  /** The private key of the log. */
  readonly logKeyFile: string;
  readonly note: (text: string) => void;
}

export async function startStageService(options: StageServiceOptions): Promise<StageService> {
  const { folder, number, port, note } = options;
  const postgres = await startLink(() => options.postgres.port());
  const valkey = await startLink(() => options.valkey.port());
  const clock = join(folder, `service-${number}.clock`);
  const setClock = (offsetMs: number) => writeFileSync(clock, String(offsetMs));
  setClock(0);
  let armed = "";
  const address = `127.0.0.1:${port}`;
  const launch = async (): Promise<Life> => {
    const failpoint = armed;
    armed = "";
    return launchService(join(folder, `service-${number}.log`), {
      DATABASE_URL: throughLink(options.postgres.url, postgres),
      VALKEY_URL: throughLink(options.valkey.url, valkey),
      DATASTORAGE_ADDRESS: address,
      DATASTORAGE_DATA_DIR: join(folder, `service-${number}`),
      DATASTORAGE_LOG_KEY_FILE: options.logKeyFile,
      [CLOCK_VARIABLE]: clock,
      [FAILPOINT_VARIABLE]: failpoint,
    });
  };
  const server = new KeptServer(`service ${number}`, launch, note);
  return {
    number,
    address,
    server,
    postgres,
    valkey,
    setClock,
    arm(failpoint) {
      armed = failpoint;
    },
    async close() {
      await server.close("SIGTERM");
      await Promise.all([postgres.close(), valkey.close()]);
    },
  };
}

/** Short times, so that what hangs is given up within a fault or soon after. */
const SETTINGS = {
  DATASTORAGE_METRICS_ADDRESS: "off",
  DATASTORAGE_LOG_FORMAT: "json",
  DATASTORAGE_APPEND_TIMEOUT: "5s",
  DATASTORAGE_SHUTDOWN_TIMEOUT: "5s",
} as const;

function throughLink(url: string, link: Link): string {
  const through = new URL(url);
  through.port = String(link.port);
  return through.href;
}

function launchService(logFile: string, env: Readonly<Record<string, string>>): Life {
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, ["--import", tether, entry, "serve"], {
    stdio: ["ignore", "pipe", log, "ipc"],
    env: { ...environment(), ...SETTINGS, ...env },
  });
  closeSync(log);
  const ended = once(child, "exit").then(
    ([code, signal]) => (signal === null ? `exit code ${code}` : `signal ${signal}`),
    (error: Error) => error.message,
  );
  const ready = new Promise<void>((resolve) => {
    if (child.stdout === null) return;
    createInterface(child.stdout).on("line", (line) => line.startsWith("listening on ") && resolve());
  });
  return {
    pid: () => child.pid,
    ready,
    ended,
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** This process's environment without the settings of a service. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("DATASTORAGE_") && !name.startsWith("OTEL_") && name !== "NODE_TEST_CONTEXT",
  );
  return Object.fromEntries(kept);
}
