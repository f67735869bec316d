import { cpus, totalmem } from "node:os";
import type { Outcome } from "./campaign.ts";
import type { Options } from "./options.ts";
import { figure } from "./progress.ts";
import type { Finding } from "./verdict/finding.ts";

/** A campaign in figures. */
export interface Report {
  readonly seed: number;
  readonly servers: number;
  readonly wipe: boolean;
  readonly seconds: number;
  readonly machine: string;
  readonly acknowledged: number;
  readonly acknowledged_per_second: number;
  readonly recorded: number;
  readonly queued: number;
  readonly answered_as_duplicate: number;
  readonly sent_again: number;
  readonly stored: number;
  readonly faults: number;
  readonly fault_kinds: number;
  readonly faults_by_kind: Readonly<Record<string, number>>;
  readonly faults_not_done: readonly string[];
  /** What must be zero, each with the first that were found. */
  readonly findings: Readonly<Record<string, Finding>>;
  readonly lost_queued: Finding;
  readonly log: LogFigures;
  /** Dead letters of ids that clients used twice on purpose. */
  readonly conflict_letters: number;
  readonly crashes: readonly string[];
  readonly clean: boolean;
}

/** The log, and what those had of it who read it while things broke. */
export interface LogFigures {
  readonly entries: number;
  /** Streams of TailEvents, each resumed where the one before was broken. */
  readonly tail_streams: number;
  /** Published checkpoints that were seen, each size once. */
  readonly checkpoints: number;
  /** When the queue was drained: until everything was covered, and until it was given to the tail. */
  readonly seconds_to_cover: number;
  readonly seconds_to_tell: number;
}

export function makeReport({ seed, servers, wipe }: Options, outcome: Outcome): Report {
  const { seconds, tally, verdict, deadLetters, storeFaults, queueLeft, crashes, log } = outcome;
  const { totals } = verdict;
  const twinsLost = wipe ? 0 : Math.max(0, totals.twinsQueued - deadLetters.conflicts);
  const findings = {
    lost: verdict.lost,
    duplicated: verdict.duplicated,
    unexpected: verdict.unexpected,
    out_of_order: verdict.outOfOrder,
    conflicting: verdict.conflicting,
    store_faults: storeFaults,
    dead_letters: deadLetters.others,
    queue_left: counted(queueLeft, "entries were still queued when the queue moved no more"),
    conflicts_lost: counted(twinsLost, "conflicting events were QUEUED and are no dead letters"),
    never_acknowledged: counted(totals.open, "events were never acknowledged"),
    log_index: log.index,
    log_tail: log.tail,
    log_checkpoints: log.checkpoint,
    log_uncovered: counted(log.uncovered, "events have no index, or no published checkpoint covers them"),
    log_untold: counted(log.untold, "events were not given to the tail at the end"),
  };
  return {
    seed,
    servers,
    wipe,
    seconds: Math.round(seconds),
    machine: `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
    acknowledged: totals.acknowledged,
    acknowledged_per_second: Math.round(totals.acknowledged / seconds),
    recorded: totals.recorded,
    queued: totals.queued,
    answered_as_duplicate: totals.duplicates,
    sent_again: totals.resent + totals.repeated,
    stored: totals.stored,
    faults: tally.total,
    fault_kinds: tally.done.size,
    faults_by_kind: Object.fromEntries([...tally.done].sort(([a], [b]) => a.localeCompare(b))),
    faults_not_done: tally.missed,
    findings,
    lost_queued: verdict.lostQueued,
    log: {
      entries: log.size,
      tail_streams: log.streams,
      checkpoints: log.checkpoints,
      seconds_to_cover: Number(log.coveredSeconds.toFixed(1)),
      seconds_to_tell: Number(log.toldSeconds.toFixed(1)),
    },
    conflict_letters: deadLetters.conflicts,
    crashes,
    clean: Object.values(findings).every(({ count }) => count === 0),
  };
}

function counted(count: number, what: string): Finding {
  return { count, first: count === 0 ? [] : [`${figure(count)} ${what}`] };
}

export function reportText(report: Report): string {
  const lines = [
    `seed ${report.seed}, ${report.servers} server${report.servers === 1 ? "" : "s"}${report.wipe ? ", Valkey wiped" : ""}`,
    report.machine,
    "",
    `${figure(report.acknowledged)} events acknowledged in ${clockText(report.seconds)}, ${figure(report.acknowledged_per_second)} a second:`,
    `  ${figure(report.recorded)} recorded, ${figure(report.queued)} queued, ${figure(report.answered_as_duplicate)} told as duplicates; ` +
      `${figure(report.sent_again)} sent again; ${figure(report.stored)} stored`,
    `log of ${figure(report.log.entries)} entries, tailed over ${report.log.tail_streams} streams, ${figure(report.log.checkpoints)} checkpoints ` +
      `collected; at the end covered after ${report.log.seconds_to_cover} s, given to the tail after ${report.log.seconds_to_tell} s`,
    "",
    `${report.faults} faults of ${report.fault_kinds} kinds:`,
    ...Object.entries(report.faults_by_kind).map(([kind, count]) => `  ${String(count).padStart(4)}  ${kind}`),
    ...report.faults_not_done.map((missed) => `   not done: ${missed}`),
    "",
    ...Object.entries(report.findings).flatMap(([name, finding]) => findingLines(name.replaceAll("_", " "), finding)),
  ];
  if (report.wipe)
    lines.push(...findingLines("queued, not yet recorded, and lost with Valkey (allowed)", report.lost_queued));
  if (report.conflict_letters > 0) {
    lines.push(`  ${figure(report.conflict_letters)} dead letters of ids that clients used twice on purpose`);
  }
  lines.push(...report.crashes.map((crash) => `  by itself: ${crash}`));
  lines.push("", report.clean ? "All zero." : "NOT ALL ZERO.");
  return lines.join("\n");
}

function findingLines(name: string, { count, first }: Finding): string[] {
  return [`  ${figure(count).padStart(8)}  ${name}`, ...first.map((line) => `            ${line}`)];
}

function clockText(seconds: number): string {
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
