import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { commandOf } from "../../src/embedded/process.ts";

const script = fileURLToPath(new URL("./hold.ts", import.meta.url));

/** hold.ts as a running process. */
export interface HoldingProcess {
  readonly pid: number;
  readonly uid: number;
  readonly url: string;
  readonly messages: readonly string[];
  /** Ends the process alone, and waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends the process, and waits until its server is gone too. */
  end(): Promise<void>;
}

/** Starts hold.ts on a data folder and waits until its server is up. @throws Error with what it printed when it ends instead. */
export async function holdFolder(
  dataDir: string,
  args: readonly string[] = [],
  prefix: readonly string[] = [],
): Promise<HoldingProcess> {
  const [program = "", ...rest] = [...prefix, process.execPath, script, dataDir, ...args];
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
  process.once("exit", () => child.kill("SIGKILL"));
  let printed = "";
  child.stderr.on("data", (chunk) => {
    printed += chunk;
  });
  const exit = once(child, "exit");
  const first = once(createInterface(child.stdout), "line");
  const line = await Promise.race([first.then(([text]) => String(text)), exit.then(() => undefined)]);
  if (line === undefined) throw new Error(`the holder ended: ${printed}`);
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exit;
  };
  return {
    ...(JSON.parse(line) as { uid: number; url: string; messages: string[] }),
    pid: child.pid ?? 0,
    kill,
    async end() {
      const servers = [serverPid(dataDir), serverPid(dataDir, "valkey/valkey.pid")];
      await kill("SIGTERM");
      for (const pid of servers) await gone(pid);
    },
  };
}

/** The process id that a server wrote down in its data folder, or 0. */
export function serverPid(dataDir: string, file = "postgres/postmaster.pid"): number {
  const path = join(dataDir, file);
  return existsSync(path) ? Number(readFileSync(path, "utf8").split("\n")[0]) : 0;
}

/** Resolves when no process of this id runs any more. @throws Error after ten seconds. */
export async function gone(pid: number): Promise<void> {
  for (const until = Date.now() + 10_000; pid > 0 && (await commandOf(pid)) !== undefined; await wait(10)) {
    if (Date.now() > until) throw new Error(`process ${pid} is still there: ${await commandOf(pid)}`);
  }
}
