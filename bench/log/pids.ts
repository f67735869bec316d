import { cpuSeconds } from "../cpu.ts";

/** Processes whose CPU is counted. */
export interface Pids {
  readonly service: number;
  /** With all of its backends. */
  readonly postgres: number | undefined;
}

/** What work gives, and the seconds of CPU that were used meanwhile; NaN where there is no /proc. */
export async function using<T extends object>(
  pids: Pids,
  work: () => Promise<T>,
): Promise<T & { readonly used: Record<keyof Pids, number> }> {
  const before = read(pids);
  const result = await work();
  const after = read(pids);
  const used = { service: after.service - before.service, postgres: after.postgres - before.postgres };
  return { ...result, used };
}

function read({ service, postgres }: Pids): Record<keyof Pids, number> {
  return {
    service: cpuSeconds(service) ?? Number.NaN,
    postgres: (postgres === undefined ? undefined : cpuSeconds(postgres, { family: true })) ?? Number.NaN,
  };
}
