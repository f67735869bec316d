import { once } from "node:events";

/** Where a command writes. */
export interface Output {
  /** Writes text and waits while the reader is behind. @throws OutputClosed when nobody reads any more. */
  write(text: string): Promise<void>;
  readonly isTerminal: boolean;
  /** Columns that a line may take; undefined where lines may be of any length (a pipe, a file). */
  readonly columns: number | undefined;
  /** The stream behind it, for what draws on it by itself. */
  readonly stream?: NodeJS.WriteStream;
}

/** What a command has to do with the world around it, so that tests can stand in for it. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted with `"SIGINT"` or `"SIGTERM"` as its reason when a person or the system asks for an end. */
  readonly signal: AbortSignal;
}

/** The reader of the output has gone, as `| head` does: a reason to end quietly. */
export class OutputClosed extends Error {}

/** The terminal of this process. COLUMNS says how wide lines may be where the system does not know. */
export function processTerminal(): Terminal {
  const ending = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      ending.abort(name);
      // A second one ends at once whatever is still under way.
      process.once(name, () => process.exit(name === "SIGINT" ? 130 : 143));
    });
  }
  return {
    stdout: processOutput(process.stdout),
    stderr: processOutput(process.stderr),
    stdin: process.stdin,
    env: process.env,
    signal: ending.signal,
  };
}

function processOutput(stream: NodeJS.WriteStream): Output {
  let closed = false;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    closed = true;
  });
  return {
    isTerminal: stream.isTTY === true,
    stream,
    get columns() {
      const told = Number(process.env["COLUMNS"]);
      return stream.columns ?? (Number.isInteger(told) && told > 0 ? told : undefined);
    },
    async write(text) {
      if (closed) throw new OutputClosed();
      if (!stream.write(text)) await once(stream, "drain").catch(() => {});
      if (closed) throw new OutputClosed();
    },
  };
}
