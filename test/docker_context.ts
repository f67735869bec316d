import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./interop/command.ts";

/**
 * Fills a folder with what `docker build` of a clone would send to the engine: what git knows of the checkout or would add
 * to it, without what .dockerignore leaves out.
 */
export async function fillContext(checkout: string, folder: string): Promise<void> {
  const listed = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: checkout });
  const ignores = readIgnores(readFileSync(join(checkout, ".dockerignore"), "utf8"));
  for (const file of new Set(listed.split("\0").filter((name) => name !== "" && !ignores(name)))) {
    // Known to git and removed since.
    if (!existsSync(join(checkout, file))) continue;
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(checkout, file), join(folder, file));
  }
}

/** The rule of a .dockerignore: whether it leaves a file out. The last pattern that matches the file or a folder of it wins. */
export function readIgnores(text: string): (file: string) => boolean {
  const patterns = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) =>
      line.startsWith("!") ? { glob: globOf(line.slice(1)), out: false } : { glob: globOf(line), out: true },
    );
  return (file) => {
    const parts = file.split("/");
    const paths = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    return patterns.findLast(({ glob }) => paths.some((path) => glob.test(path)))?.out ?? false;
  };
}

/** A pattern as Docker reads it: `*` within a name, also one that begins with a dot, `**` over folders. */
function globOf(pattern: string): RegExp {
  const wild: Readonly<Record<string, string>> = { "**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" };
  const source = pattern.replaceAll(/\*\*\/|\*\*|[*?]|[^\w/]/g, (part) => wild[part] ?? RegExp.escape(part));
  return new RegExp(`^${source}$`);
}
