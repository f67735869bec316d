import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CLIENT_DEFAULTS, type ClientControl, type ClientOptions, type ClientProgress } from "./options.ts";

export type { ClientControl, ClientOptions, ClientProgress } from "./options.ts";

/** The clients of a campaign: `eventsPerSecond` and the rest are what each process does. */
export interface ClientsOptions extends Partial<Omit<ClientOptions, "process" | "historyFile">> {
  readonly seed: number;
  readonly addresses: readonly string[];
  readonly eventsPerSecond: number;
  readonly processes: number;
  /** Folder for the histories, `client-<process>.jsonl`; must exist. */
  readonly historyFolder: string;
}

/** Client processes that send until they are told to end. */
export interface Clients {
  /** Their history files. */
  readonly histories: readonly string[];
  /** Tells all of them something. */
  control(message: ClientControl): void;
  /** What they have done so far, summed over all. */
  progress(): ClientProgress;
  /**
   * Resolves when all have ended after `control({ end: true })`, with everything acknowledged. Rejects when one ends in
   * another way, with what it said.
   */
  readonly ended: Promise<void>;
  /** Ends them at once, whatever is unanswered; `ended` then rejects. */
  kill(): void;
}

const NOTHING: ClientProgress = { sent: 0, acked: 0, recorded: 0, queued: 0, duplicates: 0, unknown: 0 };

/** Starts client processes. They are gone when this process is. */
export function startClients({ processes, historyFolder, ...shared }: ClientsOptions): Clients {
  const clients = Array.from({ length: processes }, (_, number) => {
    const historyFile = join(historyFolder, `client-${number}.jsonl`);
    return new Client({ ...CLIENT_DEFAULTS, ...shared, process: number, historyFile });
  });
  const ended = Promise.all(clients.map((client) => client.ended)).then(() => {});
  // Whoever waits for it is told; a campaign that is broken off need not be.
  ended.catch(() => {});
  return {
    histories: clients.map(({ options }) => options.historyFile),
    control: (message) => {
      for (const client of clients) client.tell(message);
    },
    progress: () => clients.map((client) => client.progress).reduce(sum, NOTHING),
    ended,
    kill: () => {
      for (const client of clients) client.kill();
    },
  };
}

class Client {
  readonly options: ClientOptions;
  readonly ended: Promise<void>;
  progress = NOTHING;
  readonly #child: ChildProcess;

  constructor(options: ClientOptions) {
    this.options = options;
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    this.#child = spawn(process.execPath, [main, JSON.stringify(options)], { stdio: ["pipe", "pipe", "pipe"] });
    this.ended = this.#end();
    // A process that is gone hears nothing; its end is told by `ended`.
    this.#child.stdin?.on("error", () => {});
  }

  tell(message: ClientControl): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #end(): Promise<void> {
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error("a client without output");
    createInterface(stdout).on("line", (line) => {
      this.progress = JSON.parse(line) as ClientProgress;
    });
    const complaints: string[] = [];
    createInterface(stderr).on("line", (line) => complaints.push(line));
    const [code, signal] = (await once(this.#child, "close")) as [number | null, string | null];
    if (code === 0) return;
    throw new Error(`client ${this.options.process} ended with ${code ?? signal}:\n${complaints.join("\n")}`);
  }
}

function sum(a: ClientProgress, b: ClientProgress): ClientProgress {
  return {
    sent: a.sent + b.sent,
    acked: a.acked + b.acked,
    recorded: a.recorded + b.recorded,
    queued: a.queued + b.queued,
    duplicates: a.duplicates + b.duplicates,
    unknown: a.unknown + b.unknown,
  };
}
