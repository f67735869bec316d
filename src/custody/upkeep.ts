import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Partitions } from "./partitions.ts";

/** Milliseconds between two rounds: months come slowly, but a round that failed should not wait for a day. */
const INTERVAL_MS = 3_600_000;
/** Milliseconds until the next round while months are missing. */
const MISSING_INTERVAL_MS = 60_000;

/**
 * Makes the months ahead now and every hour from now on, or every minute while some are missing: what keeps a partition from
 * being made does not keep the service from starting, since the default partition takes the events meanwhile.
 */
export async function startPartitionUpkeep(
  partitions: Partitions,
  { metrics, log }: Telemetry,
): Promise<{ stop(): void }> {
  let monthsAhead = 0;
  let defaultRows = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    monthsAhead = await partitions.ensureAhead();
    defaultRows = await partitions.countDefaultRows();
    if (monthsAhead < partitions.monthsAhead) {
      log.warn(
        { monthsAhead },
        "a lock keeps partitions of the months ahead from being made; trying again in a minute",
      );
    }
  };
  const next = () => {
    if (stopped) return;
    const pause = monthsAhead < partitions.monthsAhead ? MISSING_INTERVAL_MS : INTERVAL_MS;
    timer = setTimeout(() => void round(), pause);
    timer.unref();
  };
  const round = async () => {
    try {
      await look();
    } catch (error) {
      log.warn({ err: error }, "the partitions of the months ahead could not be made; trying again later");
    }
    next();
  };
  await look();
  next();
  metrics.partitionMonthsAhead.observe((report) => report(monthsAhead));
  metrics.defaultPartitionRows.observe((report) => report(defaultRows));
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
