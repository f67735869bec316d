import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { openPool } from "../../src/postgres/pool.ts";
import type { Statement } from "../../src/postgres/statement.ts";

/** Runs statements with nothing around them, on one connection with the settings of the service's. */
export interface BareSql {
  readonly name: "psql" | "postgres.js";
  /** Runs a statement, prepared when it comes first: milliseconds until all of its rows are here, and their number. */
  run(statement: Statement): Promise<{ readonly ms: number; readonly rows: number }>;
  close(): Promise<void>;
}

/** By psql where there is one on the PATH, else by the driver that the service uses. */
export async function openBareSql(url: string): Promise<BareSql> {
  return (await Psql.open(url)) ?? openDriver(url);
}

/** One session of psql, which says itself how long a statement took: starting it and printing rows count for nothing. */
class Psql implements BareSql {
  readonly name = "psql";
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  readonly #prepared = new Map<string, string>();

  private constructor(child: ChildProcessWithoutNullStreams, lines: Interface) {
    this.#child = child;
    this.#ended = once(child, "exit");
    // It may end by itself, with statements still on their way to it.
    child.stdin.on("error", () => {});
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Undefined where there is no psql. */
  static async open(url: string): Promise<Psql | undefined> {
    const settings = "-c plan_cache_mode=force_custom_plan -c jit=off";
    const child = spawn("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url], {
      env: { ...process.env, LC_ALL: "C", PGOPTIONS: settings },
    });
    child.stderr.pipe(process.stderr, { end: false });
    try {
      await once(child, "spawn");
    } catch {
      return undefined;
    }
    child.stdin.write("\\timing on\n\\o /dev/null\n");
    return new Psql(child, createInterface(child.stdout));
  }

  async run(statement: Statement): Promise<{ ms: number; rows: number }> {
    const values = statement.parameters.map((value) => `'${value.replaceAll("'", "''")}'`).join();
    const name = this.#prepared.get(statement.text) ?? (await this.#prepare(statement.text));
    return this.#ask(`EXECUTE ${name}${values && `(${values})`};`);
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  async #prepare(text: string): Promise<string> {
    const name = `bare_${this.#prepared.size}`;
    await this.#ask(`PREPARE ${name} AS ${text};`);
    this.#prepared.set(text, name);
    return name;
  }

  async #ask(line: string): Promise<{ ms: number; rows: number }> {
    this.#child.stdin.write(`${line}\n\\echo rows :ROW_COUNT\n`);
    for (let ms = Number.NaN; ; ) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error("psql ended");
      const [word, number] = (value as string).split(" ");
      if (word === "rows") return { ms, rows: Number(number) };
      if (word === "Time:") ms = Number(number);
    }
  }
}

function openDriver(url: string): BareSql {
  const sql = openPool({
    url,
    connections: 1,
    applicationName: "bare",
    statementTimeoutMs: 0,
    planForValues: true,
  });
  return {
    name: "postgres.js",
    async run({ text, parameters }) {
      const begun = performance.now();
      const rows = await sql.unsafe(text, [...parameters], { prepare: true });
      return { ms: performance.now() - begun, rows: rows.length };
    },
    close: () => sql.end({ timeout: 1 }),
  };
}
