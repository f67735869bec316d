import type { TestContext } from "node:test";
import postgres from "postgres";
import { createDatabase } from "./database.ts";
import { adminUrl } from "./server.ts";
import { startTcpProxy, type TcpProxy } from "./tcp_proxy.ts";
import { startTestValkey, type TestValkey } from "./valkey.ts";

/** A Valkey and a database of a test's own. */
export interface StoresSite {
  readonly valkey: TestValkey;
  /** Before the database. */
  readonly proxy: TcpProxy;
  /** The database, through the proxy. */
  readonly databaseUrl: string;
  /** The database, past the proxy. */
  readonly directUrl: string;
  /** The same as its superuser. */
  readonly admin: postgres.Sql;
  /** What is to be closed when the test ends, the last one first. */
  readonly closing: (() => Promise<unknown>)[];
}

/** Opens both; undefined where no Valkey can be had, and the test is skipped. */
export async function openStoresSite(t: TestContext, name: string): Promise<StoresSite | undefined> {
  const valkey = await startTestValkey();
  if (typeof valkey === "string") {
    t.skip(valkey);
    return undefined;
  }
  const closing: (() => Promise<unknown>)[] = [() => valkey.stop()];
  t.after(async () => {
    for (const close of closing.reverse()) await close();
  });
  const database = await createDatabase(name);
  closing.push(() => database.drop());
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  closing.push(() => admin.end());
  const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
  closing.push(() => proxy.close());
  const url = new URL(database.url);
  url.port = String(proxy.port);
  return { valkey, proxy, databaseUrl: url.href, directUrl: database.url, admin, closing };
}
