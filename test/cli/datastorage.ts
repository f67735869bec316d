import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { run } from "../../src/cli/run.ts";
import type { Output, Terminal } from "../../src/cli/terminal.ts";
import type { Ending } from "../interop/command.ts";

interface CallOptions {
  readonly stdin?: string | AsyncIterable<Uint8Array>;
  readonly env?: Readonly<Record<string, string>>;
  /** Columns of the terminal; without it the output goes to a pipe. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
}

/** Runs `datastorage` within this process: what a user types, and what is printed and left behind. */
export async function datastorage(args: readonly string[], options: CallOptions = {}): Promise<Ending> {
  const { stdin = "", env = {}, columns, signal = new AbortController().signal } = options;
  const collected = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr"): Output => ({
    isTerminal: columns !== undefined,
    columns,
    async write(written) {
      collected[name] += written;
    },
  });
  const terminal: Terminal = {
    stdout: output("stdout"),
    stderr: output("stderr"),
    stdin: typeof stdin === "string" ? once(stdin) : stdin,
    env,
    signal,
  };
  const code = await run(args, terminal);
  return { code, ...collected };
}

async function* once(stdin: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(stdin);
}

/** A `datastorage` that runs as a process of its own. */
export interface Running {
  readonly stdin: NodeJS.WritableStream;
  readonly stderr: NodeJS.ReadableStream;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ending>;
}

/** The file that runs the command line. */
export const ENTRY = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Starts `datastorage` as a process, on a Node with `nodeFlags`. It is killed when the test takes too long. */
export function start(args: readonly string[], nodeFlags: readonly string[] = []): Running {
  const child = spawn(process.execPath, [...nodeFlags, ENTRY, ...args], {
    env: { PATH: process.env["PATH"] },
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  child.stdin.on("error", () => {});
  const code = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  const ended = Promise.all([code, text(child.stdout), text(child.stderr)]).then(([code, stdout, stderr]) => ({
    code,
    stdout,
    stderr,
  }));
  return { stdin: child.stdin, stderr: child.stderr, kill: (signal) => child.kill(signal), ended };
}

/** A folder of a test's own. */
export interface Folder {
  /** Writes lines to a file of the folder; gives its path. */
  write(name: string, lines: readonly (string | object)[]): string;
  remove(): void;
}

export function temporaryFolder(): Folder {
  const folder = mkdtempSync(join(tmpdir(), "datastorage-cli-"));
  return {
    write(name, lines) {
      const file = join(folder, name);
      writeFileSync(file, lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
      return file;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** An event as a file may hold it. */
export function eventLine(correlationId: string, number: number, more: object = {}): object {
  const own = createHash("sha256").update(correlationId).digest("hex").slice(0, 15);
  return {
    event_id: `0199a0ed-cdc8-7${own.slice(0, 3)}-9${own.slice(3, 6)}-${own.slice(6, 9)}${String(number).padStart(9, "0")}`,
    event_timestamp: "2026-05-13T21:24:03.123456Z",
    event_type: "gateway.signal.received",
    event_outcome: "success",
    correlation_id: correlationId,
    event_data: { number },
    ...more,
  };
}

/** Waits until `datastorage list` finds so many events of a remediation. @throws what ends first. */
export async function untilStored(
  address: string,
  correlationId: string,
  events: number,
  record: Running,
): Promise<void> {
  let ending: Ending | undefined;
  record.ended.then((told) => {
    ending = told;
  });
  for (;;) {
    const args = ["list", "--address", address, "--correlation-id", correlationId, "--all", "--json"];
    const { stdout } = await datastorage(args);
    if (stdout.split("\n").length - 1 >= events) return;
    if (ending !== undefined) throw new Error(`record ended before its events were stored: ${JSON.stringify(ending)}`);
    await delay(10);
  }
}
