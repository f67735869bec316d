import { cp, mkdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { execForm, type Instruction, type Stage } from "./dockerfile.ts";
import { run } from "./interop/command.ts";

/** What a build leaves: a root file system, and how a container of it is run. */
export interface Image {
  /** The folder that is the container's `/`. */
  readonly root: string;
  readonly env: Record<string, string>;
  workdir: string;
  user: string;
  entrypoint: readonly string[];
  cmd: readonly string[];
  healthcheck: readonly string[];
  ports: readonly string[];
  stopSignal: string;
}

export interface BuildOptions {
  readonly stages: readonly Stage[];
  /** The folder that `docker build` is given. */
  readonly context: string;
  /** An empty folder; each stage gets one below it. */
  readonly folder: string;
  /** Fills a folder with what the tests know of a base image. */
  readonly pull: (base: string, root: string) => Promise<void>;
}

/**
 * Runs the steps of a Dockerfile without an engine: each stage is a folder, and absolute paths are below it. Commands of RUN
 * see the machine's own file system, so they must keep to the working directory. Gives the last stage.
 *
 * @throws Error naming the line of an instruction that it does not know, so that nothing passes untried.
 */
export async function buildImage({ stages, context, folder, pull }: BuildOptions): Promise<Image> {
  const built = new Map<string, Image>();
  let last: Image | undefined;
  for (const [index, stage] of stages.entries()) {
    const image = emptyImage(join(folder, `stage-${index}`));
    await mkdir(image.root);
    await pull(stage.base, image.root);
    for (const instruction of stage.instructions) await apply(instruction, image, context, built);
    built.set(stage.name ?? String(index), image);
    last = image;
  }
  if (last === undefined) throw new Error("the Dockerfile has no stage");
  return last;
}

function emptyImage(root: string): Image {
  const how = { entrypoint: [], cmd: [], healthcheck: [], ports: [] };
  return { root, env: {}, workdir: "/", user: "0", stopSignal: "SIGTERM", ...how };
}

/** A path of the container as one of this machine. */
export function within(image: Image, path: string): string {
  return join(image.root, resolve(image.workdir, path));
}

type Step = (instruction: Instruction, image: Image, context: string, built: ReadonlyMap<string, Image>) => unknown;

const STEPS: Readonly<Record<string, Step>> = {
  async WORKDIR({ rest }, image) {
    image.workdir = resolve(image.workdir, rest);
    await mkdir(within(image, "."), { recursive: true });
  },
  ENV({ words }, image) {
    for (const word of words) {
      const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(word) ?? [];
      if (name === "" || /["'$\\]/.test(value)) throw new Error(`not a plain NAME=value: ${word}`);
      image.env[name] = value;
    }
  },
  async COPY({ words, flags }, image, context, built) {
    const from = flags.get("from");
    const other = from === undefined ? undefined : built.get(from);
    if (from !== undefined && other === undefined) throw new Error(`there is no stage ${from}`);
    const target = words.at(-1) ?? "";
    for (const source of words.slice(0, -1)) {
      await copy(other === undefined ? join(context, source) : join(other.root, resolve("/", source)), target, image);
    }
  },
  async RUN({ rest, exec }, image) {
    if (exec) throw new Error("RUN in the exec form is not known here");
    await run("/bin/sh", ["-ec", rest], { cwd: within(image, "."), env: environmentOf(image), timeoutMs: 120_000 });
  },
  USER({ rest }, image) {
    image.user = rest;
  },
  EXPOSE({ words }, image) {
    image.ports = words;
  },
  STOPSIGNAL({ rest }, image) {
    image.stopSignal = rest;
  },
  HEALTHCHECK({ words: [keyword], rest }, image) {
    const command = execForm(rest.replace(/^CMD\s+/, ""));
    if (keyword !== "CMD" || command === undefined) throw new Error("HEALTHCHECK is not CMD in the exec form");
    image.healthcheck = command;
  },
  ENTRYPOINT({ words, exec }, image) {
    if (!exec) throw new Error("ENTRYPOINT is not in the exec form: signals would go to a shell");
    image.entrypoint = words;
  },
  CMD({ words, exec }, image) {
    if (!exec) throw new Error("CMD is not in the exec form: signals would go to a shell");
    image.cmd = words;
  },
};

async function apply(
  instruction: Instruction,
  image: Image,
  context: string,
  built: ReadonlyMap<string, Image>,
): Promise<void> {
  const { keyword, line } = instruction;
  try {
    const step = STEPS[keyword];
    if (step === undefined) throw new Error("not known here");
    await step(instruction, image, context, built);
  } catch (cause) {
    throw new Error(`Dockerfile, line ${line}, ${keyword}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/** Copies as COPY does: what is in a folder, not the folder itself; a target that ends in `/` is a folder. */
async function copy(source: string, target: string, image: Image): Promise<void> {
  const folder = (await stat(source)).isDirectory();
  const into = !folder && target.endsWith("/") ? join(within(image, target), basename(source)) : within(image, target);
  await cp(source, into, { recursive: true, verbatimSymlinks: true });
}

/** The environment of a build step: the image's variables and its programs before the machine's, packages from npm's cache. */
function environmentOf(image: Image): Record<string, string> {
  const npm = { npm_config_prefer_offline: "true", npm_config_audit: "false", npm_config_fund: "false" };
  return { ...npm, ...image.env, PATH: `${image.root}/usr/local/bin:${process.env["PATH"]}` };
}
