import { readFileSync } from "node:fs";
import type { Config } from "../../src/config/config.ts";

const MIB = 2 ** 20;
const MB = 1e6;

/** Bytes that the service may come to hold with these settings: the budget of docs/memory.md, line by line. */
export function memoryBound(config: Config, { queue }: { readonly queue: boolean }): number {
  const { maxConnections, connectionWindowBytes, maxRequestBytes, pendingBytes } = config;
  const { appendConnections, appendBytes, readConnections, maxTails, maxExports } = config;
  const withoutQueue =
    160 * MB +
    maxConnections * (connectionWindowBytes + Math.max(2 * connectionWindowBytes, 16 * MIB)) +
    32 * maxRequestBytes * (1 + 3.5) +
    pendingBytes +
    3 * appendConnections * appendBytes +
    4 * readConnections * 4 * MIB +
    (64 + 128 + 48) * MIB +
    (8 * maxTails + 25 * maxExports) * MIB;
  return queue ? withoutQueue + queueBound(config) : withoutQueue;
}

function queueBound({ appendEvents, appendBytes, queueEntries }: Config): number {
  return 8 * appendBytes + 4 * 16 * MIB + 90 * MB + 2 * queueEntries * appendEvents * 8;
}

/** Resident memory of a process in bytes: now, and the most that it ever was. Linux alone tells it. */
export function residentBytes(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  return { now: field("VmRSS"), peak: field("VmHWM") };
}
