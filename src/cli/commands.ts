import type { Command } from "./command.ts";

/** The commands in the order of the help; some have a name of two words. Loaded one by one: none waits for what another needs. */
const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  migrate: async () => (await import("./migrate.ts")).migrate,
  record: async () => (await import("./record/record.ts")).record,
  list: async () => (await import("./list/list.ts")).list,
  get: async () => (await import("./get.ts")).get,
  receipt: async () => (await import("./receipt/receipt.ts")).receipt,
  tail: async () => (await import("./tail/tail.ts")).tail,
  timeline: async () => (await import("./timeline/timeline.ts")).timeline,
  reconstruct: async () => (await import("./reconstruct/reconstruct.ts")).reconstruct,
  info: async () => (await import("./info.ts")).info,
  export: async () => (await import("./export/export.ts")).exportCommand,
  verify: async () => (await import("./verify/verify.ts")).verify,
  fsck: async () => (await import("./fsck/fsck.ts")).fsck,
  "log status": async () => (await import("./log/status.ts")).status,
  "log keygen": async () => (await import("./log/keygen.ts")).keygen,
  "log new-origin": async () => (await import("./log/new_origin.ts")).newOrigin,
  "deadletter status": async () => (await import("./deadletter/status.ts")).status,
  "deadletter list": async () => (await import("./deadletter/list.ts")).list,
  "deadletter replay": async () => (await import("./deadletter/replay.ts")).replay,
  "deadletter discard": async () => (await import("./deadletter/discard.ts")).discard,
  "actiontype apply": async () => (await import("./actiontype/apply.ts")).apply,
  "actiontype list": async () => (await import("./actiontype/list.ts")).list,
  "actiontype get": async () => (await import("./actiontype/get.ts")).get,
  "actiontype disable": async () => (await import("./actiontype/disable.ts")).disable,
  "workflow apply": async () => (await import("./workflow/apply.ts")).apply,
  "workflow list": async () => (await import("./workflow/list.ts")).list,
  "workflow get": async () => (await import("./workflow/get.ts")).get,
  "workflow compare": async () => (await import("./workflow/compare.ts")).compare,
  "workflow match": async () => (await import("./workflow/match.ts")).match,
  "workflow disable": async () => (await import("./workflow/lifecycle.ts")).disable,
  "workflow enable": async () => (await import("./workflow/lifecycle.ts")).enable,
  "workflow deprecate": async () => (await import("./workflow/lifecycle.ts")).deprecate,
  "workflow archive": async () => (await import("./workflow/lifecycle.ts")).archive,
};

export const COMMAND_NAMES: readonly string[] = Object.keys(LOADERS);

export async function loadCommand(name: string): Promise<Command | undefined> {
  return Object.hasOwn(LOADERS, name) ? LOADERS[name]?.() : undefined;
}

/** The commands whose name begins with the word `group`; all without it. */
export async function loadCommands(group?: string): Promise<Command[]> {
  const wanted = Object.entries(LOADERS).filter(([name]) => group === undefined || name.startsWith(`${group} `));
  return Promise.all(wanted.map(([, load]) => load()));
}

/** Whether commands have a name of two words that begins with this one. */
export function isGroup(word: string): boolean {
  return COMMAND_NAMES.some((name) => name.startsWith(`${word} `));
}
