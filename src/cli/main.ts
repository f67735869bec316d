import { run } from "./run.ts";
import { processTerminal } from "./terminal.ts";

process.exitCode = await run(process.argv.slice(2), processTerminal());
// A standard input that was not read to its end would keep the process alive.
process.stdin.destroy();
