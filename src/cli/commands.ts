import type { Command } from "./command.ts";

/** The commands in the order of the help. Loaded one by one: none waits for what another needs. */
const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  migrate: async () => (await import("./migrate.ts")).migrate,
  record: async () => (await import("./record/record.ts")).record,
  list: async () => (await import("./list/list.ts")).list,
  get: async () => (await import("./get.ts")).get,
  timeline: async () => (await import("./timeline/timeline.ts")).timeline,
  info: async () => (await import("./info.ts")).info,
};

export const COMMAND_NAMES: readonly string[] = Object.keys(LOADERS);

export async function loadCommand(name: string): Promise<Command | undefined> {
  return Object.hasOwn(LOADERS, name) ? LOADERS[name]?.() : undefined;
}

export async function loadCommands(): Promise<Command[]> {
  return Promise.all(Object.values(LOADERS).map((load) => load()));
}
