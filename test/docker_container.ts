import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Image } from "./docker_build.ts";
import type { Ending } from "./interop/command.ts";

const START_MS = 30_000;

/** A container that runs. */
export interface Container {
  /** Resolves when standard output holds it; rejects, with all it printed, when the container ends before or takes 30 s. */
  prints(text: string): Promise<void>;
  /** Runs a command beside it, in the same environment and as the same user: `docker exec`, or the health check. */
  exec(command: readonly string[]): Promise<Ending>;
  /** Sends the image's stop signal, and gives how it ended. */
  stop(): Promise<Ending>;
  readonly ended: Promise<Ending>;
}

/**
 * Starts the image's command in its folder, which the caller has made read-only: as the image's user where this process is
 * root, else as this process's own; with the environment of the image and `env`, and nothing of this process's.
 */
export function startContainer(image: Image, env: Readonly<Record<string, string>>): Container {
  const main = launch(image, [...image.entrypoint, ...image.cmd], env);
  const kill = () => main.child.kill("SIGKILL");
  process.once("exit", kill);
  main.ended.finally(() => process.off("exit", kill)).catch(() => {});
  return {
    ended: main.ended,
    prints: (text) =>
      new Promise((resolve, reject) => {
        const look = () => main.printed.stdout.includes(text) && resolve();
        main.child.stdout.on("data", look);
        look();
        const fail = (what: object) => reject(new Error(`not printed: ${text}\n${JSON.stringify(what, undefined, 1)}`));
        const late = setTimeout(() => fail(main.printed), START_MS);
        main.ended.then(fail, reject).finally(() => clearTimeout(late));
      }),
    exec: (command) => launch(image, command, env).ended,
    stop() {
      main.child.kill(image.stopSignal as NodeJS.Signals);
      return main.ended;
    },
  };
}

function launch(image: Image, [program = "", ...args]: readonly string[], env: Readonly<Record<string, string>>) {
  // Nothing but the folder can be written to, if anything: a container with a read-only root has no other places either.
  const nowhere = { HOME: join(image.root, "nowhere"), TMPDIR: join(image.root, "nowhere") };
  const child = spawn(program, args, {
    cwd: join(image.root, image.workdir),
    env: { PATH: join(image.root, "usr/local/bin"), ...nowhere, ...image.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...userOf(image),
  });
  const printed = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    printed.stderr += text;
  });
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve({ code, ...printed }));
  });
  return { child, printed, ended };
}

/** The user and group of the image by number; a name would have to be looked up in the image, and could be root. */
function userOf({ user }: Image): { uid?: number; gid?: number } {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(user) ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`the user is not given by numbers: ${user}`);
  return process.getuid?.() === 0 ? { uid: Number(uid), gid: Number(gid) } : {};
}
