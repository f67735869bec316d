// Runs our command line on the pinned Node, in place of the process that was started.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { install, pinnedNode, root } from "./install.mjs";

/**
 * Installs what is missing, runs src/cli/main.ts with `args` and ends as it ends.
 *
 * @param {string[]} args
 */
export async function launch(args) {
  await install({ development: false });
  const child = spawn(
    pinnedNode,
    [
      "--import",
      pathToFileURL(join(root, "scripts", "launched.mjs")).href,
      join(root, "src", "cli", "main.ts"),
      ...args,
    ],
    { stdio: ["inherit", "inherit", "inherit", "ipc"] },
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both processes already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  whenOrphaned(() => child.kill("SIGTERM"));
  child.on("error", (error) => {
    console.error(`${pinnedNode} cannot be run: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** A kill -9 of npm leaves the script that it runs to another parent. Asked once a second: Node has no event for it. */
function whenOrphaned(act) {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    act();
  }, 1000);
  watch.unref();
}
