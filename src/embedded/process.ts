import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The command line of a running process, or undefined when there is no such process (a zombie counts as none). */
export async function commandOf(pid: number): Promise<string | undefined> {
  if (!exists(pid)) return undefined;
  try {
    if (process.platform === "linux")
      return (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ").trim() || undefined;
    return (await run("ps", ["-o", "command=", "-p", String(pid)])).stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Sends `signal` and waits until the process is gone. @throws Error when it is still there after `withinMs`. */
export async function endProcess(pid: number, signal: NodeJS.Signals, withinMs: number): Promise<void> {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return;
    throw new Error(`process ${pid} cannot be ended by this user; end it by hand and start again`, { cause: error });
  }
  for (const until = Date.now() + withinMs; Date.now() < until; ) {
    if ((await commandOf(pid)) === undefined) return;
    await wait(20);
  }
  throw new Error(
    `process ${pid} did not end within ${withinMs / 1000} s of ${signal}; end it by hand and start again`,
  );
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
