import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A deb822 stanza of apt's sources, field names in lower case. */
export type Stanza = ReadonlyMap<string, string>;

/**
 * The sources of this machine's own release in deb822 form, with its backports added, so that a package that the release
 * itself lacks is found there. Sources of other parties are left out: they would only cost time.
 *
 * @throws Error in words for a person when the machine names no source of its release.
 */
export async function aptSources(etc = "/etc"): Promise<string> {
  const codename = /^VERSION_CODENAME="?([^"\n]*)"?$/m.exec(await readFile(join(etc, "os-release"), "utf8"))?.[1];
  if (!codename) throw new Error("this machine's release has no code name in os-release");
  const stanzas: Stanza[] = [];
  for (const file of await sourceFiles(join(etc, "apt"))) {
    const text = await readFile(file, "utf8");
    stanzas.push(...(file.endsWith(".sources") ? parseStanzas(text) : parseLines(text)));
  }
  const ours = stanzas.filter((stanza) => belongsTo(stanza, codename)).map((stanza) => withBackports(stanza, codename));
  if (ours.length === 0) throw new Error(`this machine names no package source of its release (${codename})`);
  return ours.map(print).join("\n");
}

/** Reads deb822 (`*.sources`): stanzas parted by an empty line, values that go on in indented lines. */
export function parseStanzas(text: string): Stanza[] {
  const withoutComments = text.replaceAll(/^#.*\n?/gm, "");
  return withoutComments
    .split(/\n\s*\n/)
    .map((part) => {
      const fields = part.matchAll(/^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm);
      return new Map([...fields].map(([, name = "", value = ""]) => [name.toLowerCase(), value.trimEnd()]));
    })
    .filter((stanza) => stanza.size > 0);
}

/** Reads the one-line form (`sources.list`): `deb [option=value …] URI suite component…`. */
export function parseLines(text: string): Stanza[] {
  const lines = text.matchAll(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#\n]+)/gm);
  return [...lines].map(([, options = "", uri = "", suite = "", components = ""]) => {
    const stanza = new Map([
      ["types", "deb"],
      ["uris", uri],
      ["suites", suite],
      ["components", components.trim()],
    ]);
    for (const [, name, value] of options.matchAll(/(signed-by|trusted|arch)=(\S+)/g)) {
      stanza.set(name === "arch" ? "architectures" : (name ?? ""), (value ?? "").replaceAll(",", " "));
    }
    return stanza;
  });
}

function belongsTo(stanza: Stanza, codename: string): boolean {
  const own = new Set([codename, `${codename}-updates`, `${codename}-security`, `${codename}-backports`]);
  const enabled = !/^(no|false|off|0)$/i.test(stanza.get("enabled") ?? "yes");
  return (
    enabled &&
    words(stanza, "types").includes("deb") &&
    words(stanza, "components").includes("main") &&
    words(stanza, "suites").some((suite) => own.has(suite))
  );
}

function withBackports(stanza: Stanza, codename: string): Stanza {
  const suites = new Set(words(stanza, "suites"));
  if (suites.has(codename)) suites.add(`${codename}-backports`);
  return new Map([...stanza, ["types", "deb"], ["suites", [...suites].join(" ")]]);
}

function words(stanza: Stanza, field: string): readonly string[] {
  return (stanza.get(field) ?? "").split(/\s+/).filter(Boolean);
}

function print(stanza: Stanza): string {
  return [...stanza].map(([name, value]) => `${name}: ${value}\n`).join("");
}

async function sourceFiles(apt: string): Promise<readonly string[]> {
  const parts = (await namesIn(join(apt, "sources.list.d"))).filter((name) => /\.(list|sources)$/.test(name));
  const main = (await namesIn(apt)).filter((name) => name === "sources.list");
  return [...main.map((name) => join(apt, name)), ...parts.map((name) => join(apt, "sources.list.d", name))];
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
