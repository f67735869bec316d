// npm run hammer: see HELP in options.ts, and docs/reliability.md for what the figures mean.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isConnectionLost } from "../src/postgres/errors.ts";
import { runCampaign } from "./campaign.ts";
import type { Clients } from "./client/clients.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { Progress } from "./progress.ts";
import type { Readers } from "./readers/readers.ts";
import { makeReport, type Report, reportText } from "./report.ts";
import { buildStage, type Stage } from "./stage/stage.ts";

/** Exit code of a process that was asked to end. */
const INTERRUPTED = 130;
let interrupted = false;

// postgres.js tells nobody of a connection that breaks between two statements of a transaction, and here they break on purpose.
process.on("unhandledRejection", (error) => {
  if (!isConnectionLost(error)) throw error;
});

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options === undefined) {
    console.log(HELP);
    return 0;
  }
  try {
    const report = await run(options);
    console.log(options.json ? JSON.stringify(report, undefined, 2) : reportText(report));
    return report.clean ? 0 : 1;
  } catch (error) {
    if (interrupted) return INTERRUPTED;
    console.error(error);
    return 1;
  }
}

async function run(options: Options): Promise<Report> {
  const progress = new Progress();
  progress.tell(`seed ${options.seed}, ${options.minutes} minutes, ${options.servers} server(s); building the stage`);
  const stage = await buildStage(options);
  progress.tell(`the run's folder is ${stage.folder}`);
  let running: readonly (Clients | Readers)[] = [];
  const undo = endWithUs(stage, () => running);
  let report: Report | undefined;
  try {
    const outcome = await runCampaign(stage, options, progress, (...started) => {
      running = started;
    });
    report = makeReport(options, outcome);
    writeFileSync(join(stage.folder, "report.json"), JSON.stringify(report, undefined, 2));
    return report;
  } finally {
    progress.stop();
    for (const one of running) one.kill();
    const keep = options.keep || report?.clean !== true;
    await stage.close(keep);
    undo();
    if (keep) progress.tell(`kept: ${stage.folder} (seed ${options.seed})`);
  }
}

/** Ends everything when this process is asked to end, and when it ends in another way. */
function endWithUs(stage: Stage, running: () => readonly (Clients | Readers)[]): () => void {
  const abandon = () => {
    for (const one of running()) one.kill();
    stage.abandon();
  };
  const interrupt = () => {
    interrupted = true;
    abandon();
    void stage.close(false).finally(() => process.exit(INTERRUPTED));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupt);
  process.once("exit", abandon);
  return () => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, interrupt);
    process.off("exit", abandon);
  };
}
