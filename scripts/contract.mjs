// The checks of scripts/test.mjs on the contract in proto/ that need more than one command.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./install.mjs";

/** Whether gen/ is what `buf generate` makes of proto/ now. */
export function generatedCodeIsCurrent() {
  return inTemporaryFolder((folder) => {
    const generated = run("buf", ["generate", "--output", folder]);
    if (generated.status !== 0) return generated.output;
    const fresh = filesBelow(join(folder, "gen"));
    const committed = filesBelow(join(root, "gen"));
    const stale = [...new Set([...fresh.keys(), ...committed.keys()])]
      .filter((name) => !committed.get(name)?.equals(fresh.get(name) ?? Buffer.of(0)))
      .sort();
    return stale.length === 0 ? undefined : `run \`npm run generate\`; these are stale:\n${stale.join("\n")}`;
  });
}

/**
 * Whether whoever uses the contract as it landed can use it as it is now. What landed is DATASTORAGE_LANDED_REF, else
 * origin/main, else main, else HEAD; where that is the contract of now (on main itself), the one before its last change.
 */
export function nothingLandedIsBroken() {
  const ref = landedRef();
  if (!ref) return { skipped: "there is no earlier contract to compare with" };
  return inTemporaryFolder((folder) => {
    const archive = join(folder, "landed.tar");
    const landed = join(folder, "landed");
    mkdirSync(landed);
    const steps = [
      ["git", ["archive", `--output=${archive}`, ref, "buf.yaml", "proto", "third_party"]],
      ["tar", ["-xf", archive, "-C", landed]],
    ];
    for (const [program, args] of steps) {
      const step = run(program, args);
      if (step.status !== 0) return step.output;
    }
    copyImportedModules(landed);
    const images = { landed: join(folder, "landed.binpb"), current: join(folder, "current.binpb") };
    for (const [image, where] of [
      [images.landed, landed],
      [images.current, root],
    ]) {
      const built = run("buf", ["build", "--path", "proto/kubernaut", "--output", image], where);
      if (built.status !== 0) return built.output;
    }
    const result = run("buf", ["breaking", images.current, "--against", images.landed, "--exclude-imports"]);
    return result.status === 0 ? undefined : `against ${ref}:\n${result.output}`;
  });
}

function landedRef() {
  const contract = "proto/kubernaut";
  const holdsContract = (ref) => run("git", ["rev-parse", "--verify", "--quiet", `${ref}:${contract}`]).status === 0;
  const landed = [process.env.DATASTORAGE_LANDED_REF, "origin/main", "main", "HEAD"].find(
    (ref) => ref && holdsContract(ref),
  );
  if (!landed || run("git", ["diff", "--quiet", landed, "--", contract]).status !== 0) return landed;
  const lastChange = run("git", ["rev-list", "-1", landed, "--", contract]).output.trim();
  return lastChange && holdsContract(`${lastChange}^`) ? `${lastChange}^` : undefined;
}

/** The modules of buf.yaml that come from packages are not in git: those installed now stand in for them. */
function copyImportedModules(folder) {
  const buf = readFileSync(join(folder, "buf.yaml"), "utf8");
  for (const [, module, part] of buf.matchAll(/path: (node_modules\/\S+)(?:\s+includes: \[(\S+)\])?/g)) {
    cpSync(join(root, part ?? module), join(folder, part ?? module), { recursive: true });
  }
}

function filesBelow(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

function inTemporaryFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), "datastorage-contract-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program, args, cwd = root) {
  const result = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 26,
  });
  return { status: result.status, output: result.error ? result.error.message : `${result.stdout}${result.stderr}` };
}
