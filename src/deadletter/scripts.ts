import { readFileSync } from "node:fs";
import { Script } from "../valkey/script.ts";
import { DEAD_LETTER_KEYS, LEASE_KEY, META_KEY, QUEUE_KEYS, SIZES_KEY, TRIES_KEY } from "./keys.ts";

/** The keys of every script, in the order of lua/prelude.lua. */
export const SCRIPT_KEYS = [
  META_KEY,
  TRIES_KEY,
  LEASE_KEY,
  SIZES_KEY,
  QUEUE_KEYS.events,
  QUEUE_KEYS.notifications,
  DEAD_LETTER_KEYS.events,
  DEAD_LETTER_KEYS.notifications,
] as const;

/** A script of lua/, behind the prelude that all share. */
export function loadScript(name: string): Script {
  return new Script(`${read("prelude")}${read(name)}`);
}

export const SCRIPTS = {
  open: loadScript("open"),
  add: loadScript("add"),
  present: loadScript("present"),
  lease: loadScript("lease"),
  claim: loadScript("claim"),
  read: loadScript("read"),
  reread: loadScript("reread"),
  settle: loadScript("settle"),
  noteTries: loadScript("note_tries"),
  bury: loadScript("bury"),
  depth: loadScript("depth"),
} as const;

function read(name: string): string {
  return readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");
}
