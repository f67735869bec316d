import type { EmbeddedPostgres } from "../../src/embedded/postgres.ts";
import { adminUrlVariable, startDisposablePostgres } from "./server.ts";
import { fetchTestValkey } from "./valkey.ts";

let server: EmbeddedPostgres | undefined;

/** Runs once before a whole test run (`node --test-global-setup`). */
export async function globalSetup(): Promise<void> {
  [server] = await Promise.all([startDisposablePostgres(), fetchTestValkey()]);
  process.env[adminUrlVariable] = server.adminUrl;
}

/** Runs once after it. */
export async function globalTeardown(): Promise<void> {
  await server?.stop();
}
