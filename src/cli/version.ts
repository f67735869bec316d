import { readFileSync } from "node:fs";

/** Version of the command line, which is the service's: they come in one package. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }
).version;
