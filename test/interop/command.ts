import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** How a program ended, and what it printed. */
export interface Ending {
  /** Null: it was ended because its time was up. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Milliseconds after which it is ended; 60 s unless said. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end, whatever its exit code. Rejects where it cannot be started. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  { cwd, env, input = "", timeoutMs = 60_000 }: CommandOptions = {},
): Promise<Ending> {
  const child = spawn(program, args, {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const code = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  // A program that reads no input may close it before it is written.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), code]);
  return { code: await code, stdout, stderr };
}

/** Runs a program and gives what it printed on standard output. @throws Error with all it printed where it fails. */
export async function run(program: string, args: readonly string[], options?: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(program, args, options);
  if (code === 0) return stdout;
  throw new Error(`${[program, ...args].join(" ")} ended with ${code ?? "a time-out"}:\n${stdout}${stderr}`);
}

/** The last line of what an error says: with programs that failed, the one that tells why. */
export function lastLine(error: unknown): string {
  const lines = error instanceof Error ? error.message.trimEnd().split("\n") : [];
  return lines.at(-1) ?? String(error);
}
