import { describe, test } from "node:test";

/**
 * Declares tests that need something this machine may lack. Where `missing` says what, in one line, they are left out with
 * that reason; continuous integration leaves nothing out: there it throws.
 */
export function suite(name: string, missing: string | undefined, tests: () => void): void {
  if (missing === undefined) describe(name, tests);
  else if (process.env["CI"] === "true") throw new Error(`${missing}; continuous integration must run "${name}"`);
  else test(name, { skip: missing }, () => {});
}
