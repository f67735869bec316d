import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedPostgres, startPostgres } from "../../src/embedded/postgres.ts";

/** Set by the global setup of a whole test run, and inherited by every test file: the superuser's URL. */
export const adminUrlVariable = "DATASTORAGE_TEST_POSTGRES_URL";

/** A PostgreSQL in a temporary folder, without fsync. Server and folder are gone when this process is, whatever ends it. */
export async function startDisposablePostgres(): Promise<EmbeddedPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), "datastorage-test-"));
  const quiet = { info() {}, warn() {} };
  try {
    return await startPostgres({ dataDir, log: quiet, port: 0, disposable: true });
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

let own: Promise<string> | undefined;

/** The superuser's URL of the test run's PostgreSQL; a file that is run alone gets a server of its own. */
export function adminUrl(): Promise<string> {
  const inherited = process.env[adminUrlVariable];
  if (inherited) return Promise.resolve(inherited);
  own ??= startDisposablePostgres().then((server) => {
    server.unref();
    return server.adminUrl;
  });
  return own;
}
