import { loadConfig } from "../../src/config/config.ts";
import { serve } from "../../src/main.ts";
import { createDatabase } from "../support/database.ts";

/** A running service with an empty database of its own. */
export interface Endpoint {
  /** `host:port`, as gRPC clients take it. */
  readonly address: string;
  /** The same as a URL. */
  readonly url: string;
  /** Connects to its database as the owner of the schema. */
  readonly databaseUrl: string;
  /** Ends the service and removes the database; rejects where the service left a connection to it open. */
  close(): Promise<void>;
}

/** Starts the service of this checkout on a free port of 127.0.0.1; `settings` are added to its environment. */
export async function startEndpoint(name: string, settings: Readonly<Record<string, string>> = {}): Promise<Endpoint> {
  const database = await createDatabase(name);
  const service = await serve({
    config: loadConfig({
      DATASTORAGE_ADDRESS: "127.0.0.1:0",
      DATASTORAGE_METRICS_ADDRESS: "off",
      DATASTORAGE_LOG_LEVEL: "warn",
      DATABASE_URL: database.url,
      ...settings,
    }),
  });
  const address = `127.0.0.1:${service.address.port}`;
  return {
    address,
    url: `http://${address}`,
    databaseUrl: database.url,
    async close() {
      await service.close();
      await database.drop();
    },
  };
}
