import { Database } from "./database.ts";

export interface PoolsOptions {
  readonly databaseUrl: string;
  readonly readConnections: number;
  /** Milliseconds that a statement may run. */
  readonly statementTimeoutMs: number;
}

/** The connections of a service that no part of it has to itself. */
export interface Pools {
  readonly read: Database;
  /** For partitions and other upkeep. */
  readonly custody: Database;
  end(): Promise<void>;
}

const CUSTODY_CONNECTIONS = 2;

export function openPools({ databaseUrl: url, readConnections, statementTimeoutMs }: PoolsOptions): Pools {
  const open = (use: string, connections: number, planForValues: boolean) =>
    new Database({ url, connections, applicationName: `datastorage ${use}`, statementTimeoutMs, planForValues });
  const read = open("read", readConnections, true);
  const custody = open("custody", CUSTODY_CONNECTIONS, false);
  return {
    read,
    custody,
    async end() {
      await Promise.all([read.end(), custody.end()]);
    },
  };
}
