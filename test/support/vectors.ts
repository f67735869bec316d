import { readFileSync } from "node:fs";

/** A published file of test/vectors/. */
export function vector<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8")) as T;
}
