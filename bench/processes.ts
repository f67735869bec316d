import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromClient, ToClient } from "./client_process.ts";
import type { Load, LoadResult } from "./load.ts";

/** The service in a process of its own. */
export interface ServiceProcess {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts the service on a database. Settings in this process's environment hold for it, but for where it listens. */
export async function startService(databaseUrl: string, profile: string | undefined): Promise<ServiceProcess> {
  return startServiceWith({ DATASTORAGE_LOG_LEVEL: "warn", ...process.env, DATABASE_URL: databaseUrl }, profile);
}

/** Starts the service with this environment, but for where it listens. */
export async function startServiceWith(environment: NodeJS.ProcessEnv, profile?: string): Promise<ServiceProcess> {
  const env = {
    ...environment,
    DATASTORAGE_ADDRESS: "127.0.0.1:0",
    DATASTORAGE_METRICS_ADDRESS: "127.0.0.1:0",
  };
  const execArgv = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
  const child = fork(file("service_process.ts"), {
    env,
    execArgv,
    stdio: ["ignore", process.stderr, "inherit", "ipc"],
  });
  const { address } = await answerOf<{ address: string }>(child, "the service");
  return {
    address,
    pid: child.pid ?? 0,
    async stop() {
      const exited = once(child, "exit");
      child.send("stop");
      await exited;
    },
  };
}

/** A client in a process of its own. */
export class ClientProcess {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(file("client_process.ts"), { execArgv: [], serialization: "advanced" });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Makes and encodes what `go` then sends. */
  async prepare(load: Load, address: string): Promise<void> {
    await this.#ask({ prepare: load, address });
  }

  async go(): Promise<LoadResult> {
    const answer = await this.#ask("go");
    if (!("result" in answer)) throw new Error("the client gave no result");
    return answer.result;
  }

  stop(): void {
    this.#child.disconnect();
  }

  async #ask(message: ToClient): Promise<FromClient> {
    const answer = answerOf<FromClient>(this.#child, "the client");
    this.#child.send(message);
    const given = await answer;
    if ("failed" in given) throw new Error(given.failed);
    return given;
  }
}

function file(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function answerOf<T>(child: ChildProcess, who: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${who} ended with ${code}`));
    child.once("exit", ended);
    child.once("message", (message) => {
      child.off("exit", ended);
      resolve(message as T);
    });
  });
}
