import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"];

/** Path of a Chromium of this machine; undefined where there is none. CHROMIUM names another. */
export function findChromium(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const files = [
    process.env["CHROMIUM"] ?? "",
    ...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))),
  ];
  return files.find((file) => file !== "" && isExecutable(file));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** An event of the DevTools protocol. */
export interface DevToolsEvent {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * A Chromium without a window and one page in it, spoken to with the DevTools protocol over pipes
 * (https://chromedevtools.github.io/devtools-protocol/).
 */
export class Chromium {
  readonly events: DevToolsEvent[] = [];
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, never>>>();
  readonly #listeners: (() => void)[] = [];
  #last = 0;
  #session: string | undefined;

  private constructor(file: string) {
    this.#folder = mkdtempSync(join(tmpdir(), "chromium-"));
    const flags = [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--remote-debugging-pipe",
      `--user-data-dir=${this.#folder}`,
    ];
    this.#process = spawn(file, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.#process.once("exit", (code) => this.#fail(new Error(`Chromium ended (${code})`)));
    this.#process.once("error", (error) => this.#fail(error));
    let rest = "";
    (this.#process.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop() ?? "";
      for (const message of messages) this.#take(JSON.parse(message));
    });
  }

  static async start(file: string): Promise<Chromium> {
    const chromium = new Chromium(file);
    const { targetId } = await chromium.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await chromium.send("Target.attachToTarget", { targetId, flatten: true });
    chromium.#session = sessionId;
    await Promise.all(["Page", "Network", "Log", "Runtime"].map((domain) => chromium.send(`${domain}.enable`)));
    return chromium;
  }

  /** Calls a method; gives what it answers. */
  send(method: string, params: object = {}): Promise<Record<string, never>> {
    const id = ++this.#last;
    const answer = Promise.withResolvers<Record<string, never>>();
    this.#waiting.set(id, answer);
    const message = JSON.stringify({ id, method, params, ...(this.#session && { sessionId: this.#session }) });
    (this.#process.stdio[3] as Writable).write(`${message}\0`);
    return answer.promise;
  }

  /** Opens an address and waits until the page is there. */
  async open(url: string): Promise<void> {
    this.events.length = 0;
    await this.send("Page.navigate", { url });
    while (!this.events.some(({ method }) => method === "Page.loadEventFired")) {
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result } = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    return (result as unknown as { value: unknown }).value;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #take(message: { id?: number; error?: { message: string }; result: Record<string, never> } & DevToolsEvent): void {
    if (message.id === undefined) {
      this.events.push(message);
      for (const listener of this.#listeners.splice(0)) listener();
      return;
    }
    const answer = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) answer?.resolve(message.result);
    else answer?.reject(new Error(message.error.message));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
