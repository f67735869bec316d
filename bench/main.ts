// npm run bench: see HELP in options.ts, and docs/performance.md for what the figures mean.
import { resolve } from "node:path";
import { measureDiscovery } from "./catalog/discovery.ts";
import { type BenchDatabase, startDatabase } from "./database.ts";
import { SAMPLE_VARIABLE } from "./events.ts";
import { measureLog } from "./log/log.ts";
import { measureLone } from "./lone.ts";
import type { Sample } from "./measure.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { measureOverload } from "./overload/overload.ts";
import { measurePages } from "./pages.ts";
import { ClientProcess, startService } from "./processes.ts";
import { measureReconstruction } from "./reconstruction/reconstruction.ts";
import { makeReport, type Report, reportText } from "./report.ts";
import { type Bench, quickSides, sides } from "./sides.ts";

process.exitCode = await main(process.argv.slice(2));

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
  if (options.sample !== undefined) process.env[SAMPLE_VARIABLE] = resolve(options.sample);
  const report = await run(options);
  console.log(options.json ? JSON.stringify(report, undefined, 2) : reportText(report));
  return 0;
}

async function run(options: Options): Promise<Report> {
  progress("starting PostgreSQL");
  const database = await startDatabase();
  const interrupted = () => void database.stop().then(() => process.exit(130));
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    return await runOn(database, options);
  } finally {
    await database.stop();
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
  }
}

async function runOn(database: BenchDatabase, options: Options): Promise<Report> {
  const service = await startService(database.url, options.profile);
  const client = new ClientProcess();
  const bench: Bench = { database, service, client };
  try {
    const samples = await measureWriting(bench, options);
    const lone = options.only.has("lone") ? await measureLone(bench, options.rounds, options.quick) : undefined;
    const pages = options.only.has("list") ? await measurePages(database, options.quick, progress) : undefined;
    const discovery = options.only.has("discovery") ? await measureDiscovery(database, options, progress) : undefined;
    const reconstruction = options.only.has("reconstruction")
      ? await measureReconstruction(database, options, progress)
      : undefined;
    const log = options.only.has("log") ? await measureLog(database, client, options, progress) : undefined;
    const overload = options.only.has("overload")
      ? await measureOverload(database, options.quick, progress)
      : undefined;
    const findings = { samples, lone, pages, discovery, reconstruction, log, overload };
    return makeReport({ postgresVersion: database.version, ...options, ...findings });
  } finally {
    client.stop();
    await service.stop();
  }
}

/** Takes all sides in turn, round by round, every other round backwards, after a short round whose figures are dropped. */
async function measureWriting(bench: Bench, { only, rounds, quick }: Options): Promise<Map<string, Sample[]>> {
  const short = quickSides().filter(({ section }) => only.has(section));
  const chosen = quick ? short : sides().filter(({ section }) => only.has(section));
  if (!quick) for (const side of short) await side.run(bench);
  const samples = new Map<string, Sample[]>(chosen.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const side of round % 2 === 1 ? chosen : [...chosen].reverse()) {
      const sample = await side.run(bench);
      samples.get(side.name)?.push(sample);
      progress(`round ${round} of ${rounds}, ${side.name}: ${Math.round(sample.eventsPerSecond)} events/s`);
    }
  }
  return samples;
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
