// A client of its own process: prepares a load, says so, sends it when told to, and tells what came of it.
import { type Load, PreparedLoad } from "./load.ts";

export type ToClient = { readonly prepare: Load; readonly address: string } | "go";
export type FromClient =
  | { readonly ready: true }
  | { readonly result: Awaited<ReturnType<PreparedLoad["run"]>> }
  | { readonly failed: string };

let prepared: PreparedLoad | undefined;

process.on("message", (message: ToClient) => {
  const work = message === "go" ? run() : prepare(message.prepare, message.address);
  work.then(tell, (error: unknown) => tell({ failed: error instanceof Error ? (error.stack ?? "") : String(error) }));
});
process.on("disconnect", () => process.exit());

async function prepare(load: Load, address: string): Promise<FromClient> {
  prepared = await PreparedLoad.prepare(load, address);
  return { ready: true };
}

async function run(): Promise<FromClient> {
  const load = prepared as PreparedLoad;
  prepared = undefined;
  return { result: await load.run() };
}

function tell(message: FromClient): void {
  process.send?.(message);
}
