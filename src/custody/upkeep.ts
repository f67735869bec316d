import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Partitions } from "./partitions.ts";

/** Milliseconds between two rounds: months come slowly, but a round that failed should not wait for a day. */
const INTERVAL_MS = 3_600_000;

/** Makes the months ahead now and every hour from now on; a round that fails is logged and made again in the next. */
export async function startPartitionUpkeep(
  partitions: Partitions,
  { metrics, log }: Telemetry,
): Promise<{ stop(): void }> {
  let monthsAhead = await partitions.ensureAhead();
  let defaultRows = await partitions.countDefaultRows();
  metrics.partitionMonthsAhead.observe((report) => report(monthsAhead));
  metrics.defaultPartitionRows.observe((report) => report(defaultRows));
  const round = async () => {
    try {
      monthsAhead = await partitions.ensureAhead();
      defaultRows = await partitions.countDefaultRows();
    } catch (error) {
      log.warn({ err: error }, "the partitions of the months ahead could not be made; trying again in an hour");
    }
  };
  const timer = setInterval(() => void round(), INTERVAL_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
