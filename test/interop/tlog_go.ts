import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { FIRST_RUN_MS, GO_ENVIRONMENT, withGo } from "./go.ts";
import { kept, ROOT, textsOf } from "./kept.ts";

const SOURCE = join(ROOT, "test", "interop", "tlog_go");

/** Programs that look at the log from outside. */
export interface TlogPrograms {
  /** The one of test/interop/tlog_go. */
  readonly check: string;
  /** The fsck of github.com/transparency-dev/tessera, for any tlog-tiles log, as it was published. */
  readonly tesseraFsck: string;
}

/** Builds them; the first time, this needs the Go module proxy. Or says in one line what is missing. */
export async function tlogPrograms(): Promise<TlogPrograms | string> {
  return withGo(SOURCE, async (version) => {
    const sources = readdirSync(SOURCE).sort();
    const folder = await kept("tlog-go", [version, ...textsOf(...sources.map((name) => join(SOURCE, name)))], build);
    return { check: join(folder, "tlog"), tesseraFsck: join(folder, "fsck") };
  });
}

async function build(folder: string): Promise<void> {
  const env = { ...GO_ENVIRONMENT, GOBIN: folder };
  await run("go", ["install", ".", "tool"], { cwd: SOURCE, env, timeoutMs: FIRST_RUN_MS });
}
