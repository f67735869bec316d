import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A service that runs as a process of its own, as users run it. */
export interface TestService {
  /** Host and port that it serves on. */
  readonly address: string;
  readonly pid: number;
  /** What it printed so far, a line each. */
  readonly stdout: readonly string[];
  /** What it logged so far: one JSON object a line. */
  readonly stderr: readonly string[];
  /** Ends it in the orderly way (SIGTERM) and resolves with its exit code. */
  stop(): Promise<number | null>;
  /** Ends it with SIGKILL and waits until it is gone. */
  kill(): Promise<void>;
}

const entry = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const started = new Set<() => void>();
process.on("exit", () => {
  for (const kill of started) kill();
});

/**
 * Starts `datastorage serve` on a free port of 127.0.0.1, without metrics unless `env` says otherwise, and waits until it
 * says on what it listens. `env` is added to this process's environment without its DATASTORAGE_ variables; it names either
 * DATABASE_URL or a DATASTORAGE_DATA_DIR of the test's own.
 *
 * @throws Error with everything it printed when it ends instead.
 */
export async function startService(
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<TestService> {
  if (!env["DATABASE_URL"] && !env["DATASTORAGE_DATA_DIR"]) {
    throw new Error("give DATABASE_URL or DATASTORAGE_DATA_DIR, or the service takes the developer's own data folder");
  }
  const child = spawn(process.execPath, [entry, "serve", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...inherited(), DATASTORAGE_ADDRESS: "127.0.0.1:0", DATASTORAGE_METRICS_ADDRESS: "off", ...env },
  });
  const kill = () => child.kill("SIGKILL");
  started.add(kill);
  const exited = once(child, "exit").then(([code]: (number | null)[]) => {
    started.delete(kill);
    return code ?? null;
  });
  const stderr: string[] = [];
  const stdout: string[] = [];
  createInterface(child.stderr).on("line", (line) => stderr.push(line));
  const address = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      stdout.push(line);
      const bound = /^listening on (\S+)$/.exec(line)?.[1];
      if (bound) resolve(bound);
    });
    once(child, "close").then(([code]) => {
      reject(new Error(`the service ended with ${code} before it served:\n${[...stdout, ...stderr].join("\n")}`));
    }, reject);
  });
  return {
    address,
    pid: child.pid ?? 0,
    stdout,
    stderr,
    async stop() {
      child.kill("SIGTERM");
      return exited;
    },
    async kill() {
      kill();
      await exited;
    },
  };
}

function inherited(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    const ours = name.startsWith("DATASTORAGE_") || name === "DATABASE_URL" || name === "VALKEY_URL";
    if (value !== undefined && !ours && name !== "NODE_TEST_CONTEXT") kept[name] = value;
  }
  return kept;
}
