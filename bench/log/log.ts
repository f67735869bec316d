import { loadavg } from "node:os";
import type { BenchDatabase } from "../database.ts";
import type { Options } from "../options.ts";
import type { ClientProcess } from "../processes.ts";
import { type ChainTimes, measureChain } from "./chain.ts";
import { type LogCost, measureCost } from "./cost.ts";
import { type ExportTimes, measureExports } from "./exports.ts";
import { fillLog } from "./fill.ts";
import { measureProofs, type ProofTimes } from "./proofs.ts";
import { openLogSite } from "./site.ts";
import { measureTail, type TailTimes } from "./tails.ts";

/** What the log over all events costs, and what it gives. */
export interface LogResult {
  /** Of the machine before, over a minute. */
  readonly load: number;
  readonly cost: LogCost;
  readonly chain: ChainTimes;
  readonly exports: ExportTimes;
  readonly proofs: readonly ProofTimes[];
  readonly tail: TailTimes;
}

interface Sizes {
  readonly chain: number;
  readonly others: number;
  readonly tries: number;
  readonly trees: readonly number[];
  readonly proofs: number;
  readonly lone: number;
}

const FULL: Sizes = {
  chain: 100_000,
  others: 100_000,
  tries: 5,
  trees: [1000, 100_000, 1_000_000, 4_000_000],
  proofs: 400,
  lone: 400,
};
const QUICK: Sizes = { chain: 2000, others: 2000, tries: 1, trees: [1000, 20_000], proofs: 10, lone: 10 };

type Progress = (text: string) => void;

export async function measureLog(
  database: BenchDatabase,
  client: ClientProcess,
  { rounds, quick, profile }: Pick<Options, "rounds" | "quick" | "profile">,
  progress: Progress,
): Promise<LogResult> {
  const sizes = quick ? QUICK : FULL;
  const [load = Number.NaN] = loadavg();
  const cost = await onSite(database, "log_cost", { signed: true, profile }, (site) =>
    measureCost(site, client, database.pid, { rounds, quick }, progress),
  );
  const read = await onSite(database, "log_read", { signed: true, profile }, async (site) => {
    const { service, sql } = site;
    progress(`log: recording a chain of ${sizes.chain} events among ${sizes.others} others`);
    await fillLog(service.address, sizes.chain, sizes.others);
    await site.covered();
    await site.settle();
    progress("log: VerifyChain");
    const pids = { service: service.pid, postgres: database.pid };
    const chain = await measureChain(service.address, pids, sizes.tries, sizes.chain);
    progress("log: exports");
    const exports = await measureExports(service.address, pids, sql, rounds, () => site.covered());
    progress("log: TailEvents");
    const tail = await measureTail(service.address, sizes.lone, rounds);
    return { chain, exports, tail };
  });
  progress(`log: proofs in trees of up to ${Math.max(...sizes.trees)} entries`);
  const proofs = await onSite(database, "log_proofs", { signed: false, profile }, ({ service, sql }) =>
    measureProofs(service.address, sql, sizes.trees, sizes.proofs),
  );
  return { load, cost, ...read, proofs };
}

async function onSite<T>(
  database: BenchDatabase,
  name: string,
  options: Parameters<typeof openLogSite>[2],
  work: (site: Awaited<ReturnType<typeof openLogSite>>) => Promise<T>,
): Promise<T> {
  const site = await openLogSite(database, name, options);
  try {
    return await work(site);
  } finally {
    await site.close();
  }
}
