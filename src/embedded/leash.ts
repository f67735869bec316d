import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, renameSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Identity } from "./identity.ts";

const script = fileURLToPath(new URL("./leash.sh", import.meta.url));
const largestLog = 16 * 1024 * 1024;

export interface LeashOptions {
  readonly command: readonly string[];
  readonly identity: Identity;
  /** File that takes what the server prints; the one before is kept as `<logFile>.1` once it is over 16 MiB. */
  readonly logFile: string;
  /** What asks the server for an orderly end. */
  readonly signal: "INT" | "TERM";
  /** Seconds the orderly end may take before SIGQUIT, and then SIGKILL, follows. */
  readonly graceSeconds: number;
  /** A folder to remove once the server has ended, also when this process is killed. */
  readonly removeAfterwards?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A server that ends when this process does, whatever ends this process. */
export interface LeashedServer {
  /** Resolves with a phrase such as `exit code 1` when the server has ended. Never rejects. */
  readonly ended: Promise<string>;
  /** Whether the server has ended. */
  hasEnded(): boolean;
  /** Ends the server in an orderly way and waits until it is gone. May be called more than once. */
  stop(): Promise<void>;
  /** Lets this process end while the server runs; the leash then ends the server. */
  unref(): void;
}

/**
 * Starts a server behind leash.sh in a session of its own, so that Ctrl-C in a terminal reaches this process only and the
 * server outlives the requests that are still being answered.
 */
export function startLeashed(options: LeashOptions): LeashedServer {
  const log = openLog(options.logFile);
  const { prefix, uid, gid } = options.identity;
  const child = spawn(
    "/bin/sh",
    [script, options.signal, String(options.graceSeconds), options.removeAfterwards ?? ""].concat(
      prefix,
      options.command,
    ),
    {
      stdio: ["pipe", log, log],
      detached: true,
      cwd: options.cwd ?? "/",
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", ...options.env },
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    },
  );
  closeSync(log);
  let over = false;
  const ended = endOf(child).then((how) => {
    over = true;
    return how;
  });
  const stdin = child.stdin;
  stdin?.on("error", () => {}); // The pipe breaks when the server ends first; `ended` tells that.
  return {
    ended,
    hasEnded: () => over,
    async stop() {
      child.ref();
      stdin?.end();
      await ended;
    },
    unref() {
      child.unref();
      if (stdin && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
    },
  };
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, "exit");
    return signal ? `signal ${signal}` : `exit code ${code}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function openLog(file: string): number {
  if (existsSync(file) && statSync(file).size > largestLog) renameSync(file, `${file}.1`);
  return openSync(file, "a", 0o600);
}
