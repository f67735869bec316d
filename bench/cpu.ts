import { readFileSync } from "node:fs";

/** Clock ticks a second in /proc: fixed by Linux for what it shows to programs. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process, and with `family` its children too, has used; undefined where there is no /proc. */
export function cpuSeconds(pid: number, { family = false } = {}): number | undefined {
  const own = readStat(pid);
  if (own === undefined) return undefined;
  if (!family) return own.used;
  return childrenOf(pid).reduce((sum, child) => sum + (readStat(child)?.used ?? 0), own.used + own.usedByEnded);
}

/** The process that started another. */
export function parentOf(pid: number): number | undefined {
  return readStat(pid)?.parent;
}

function readStat(pid: number): { parent: number; used: number; usedByEnded: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; proc_pid_stat(5) counts the state behind it as field 3.
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const field = (number: number) => fields[number - 3] ?? 0;
    return {
      parent: field(4),
      used: (field(14) + field(15)) / TICKS_PER_SECOND,
      usedByEnded: (field(16) + field(17)) / TICKS_PER_SECOND,
    };
  } catch {
    return undefined;
  }
}

/** Processes that a process has started, or none where there is no /proc. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
