// npm run hammer: installs what is missing and starts the fault campaign (hammer/main.ts; `npm run hammer -- --help`).
import { spawn } from "node:child_process";
import { join } from "node:path";
import { install, pinnedNode, root } from "./install.mjs";

await install({ development: true });
const child = spawn(pinnedNode, [join(root, "hammer", "main.ts"), ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to both processes already.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("exit", (code) => process.exit(code ?? 1));
