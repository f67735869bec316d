import type { OverloadCase, OverloadResult } from "./overload.ts";

/** The report for people. */
export function overloadLines(overload: OverloadResult | undefined): string[] {
  if (overload === undefined) return [];
  return [
    `${overload.streams} streams pushing batches of ${overload.eventsABatch} without pause, PostgreSQL stalled:`,
    ...caseLines("without a queue", overload.without_queue),
    ...caseLines("with a queue", overload.with_queue),
    "",
  ];
}

function caseLines(name: string, of: OverloadCase): string[] {
  const { told, queue } = of;
  const mostIn = (phase: string) =>
    Math.max(0, ...of.rss_mb.filter((moment) => moment.phase === phase).map(({ mb }) => mb));
  return [
    `  ${name}`,
    `    memory            at most ${of.rss_peak_mb} MB, bound ${of.rss_bound_mb} MB ` +
      `(before ${mostIn("before")}, stalled ${mostIn("stalled")}, freed ${mostIn("freed")})`,
    `    stalled           for ${of.stalled_seconds} s at ${of.rate_before} events/s; told after ${seconds(of.seconds_to_told)}: ` +
      `${told.queued} events QUEUED, batches refused: ${told.resource_exhausted} RESOURCE_EXHAUSTED, ` +
      `${told.unavailable} UNAVAILABLE, ${told.otherwise} otherwise, ${told.without_retry_info} without RetryInfo; ` +
      `up to ${told.held_back} streams held back`,
    ...(queue === undefined ? [] : [`    queue             ${queue.entries} entries, ${queue.mb} MB`]),
    `    freed             stored after ${seconds(of.seconds_to_first_stored)}, half of the rate after ` +
      `${seconds(of.seconds_to_half_stored_rate)}; told RECORDED after ${seconds(of.seconds_to_first_recorded)}, half of the rate after ` +
      `${seconds(of.seconds_to_half_rate)}, nine tenths after ${seconds(of.seconds_to_nine_tenths_rate)}` +
      (queue === undefined ? "" : `; drained ${seconds(of.seconds_to_drained)} after the streams had ended`),
    `    acknowledged      ${of.acknowledged} events, ${of.missing} of them missing`,
  ];
}

function seconds(value: number | undefined): string {
  return value === undefined ? "–" : `${value.toFixed(1)} s`;
}
