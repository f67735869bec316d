import { execFile } from "node:child_process";
import { chownSync, existsSync, statSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** As whom an embedded server runs. PostgreSQL refuses to run as root, so root starts it as somebody else. */
export interface Identity {
  /** What stands before the server's command. */
  readonly prefix: readonly string[];
  /** The user to switch to when the process is spawned, where `prefix` does not do it. */
  readonly uid?: number;
  readonly gid?: number;
  /** Who owns the server's files; undefined: whoever runs this process. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

const unchanged: Identity = { prefix: [] };

/**
 * The identity for a server whose data lies in `folder`: this process's own user, or for root the owner of the data that is
 * already there, else the user `postgres`, else `nobody`.
 *
 * A checkout often lies below a folder that only root may enter, so that user gets one capability along (CAP_DAC_OVERRIDE,
 * by setpriv) to reach the program and its data; the secure bit makes it count in access(2) too, by which initdb looks for
 * its parts. Where that cannot be had, the user is switched plainly.
 *
 * @throws Error that says what to do when there is nobody to run as.
 */
export async function identityFor(folder: string): Promise<Identity> {
  if (process.getuid?.() !== 0) return unchanged;
  const owner = ownerOf(folder) ?? (await accountOf("postgres")) ?? (await accountOf("nobody"));
  if (!owner) {
    throw new Error(
      "The embedded servers do not run as root, and this machine has neither a user `postgres` nor `nobody` to run them as. " +
        "Start as an ordinary user, add one of the two, or set DATABASE_URL and VALKEY_URL.",
    );
  }
  const who = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"];
  for (const capability of ["dac_override", "dac_read_search"]) {
    const bits = "--securebits=+no_setuid_fixup";
    const prefix = ["setpriv", ...who, bits, `--inh-caps=+${capability}`, `--ambient-caps=+${capability}`];
    if (await succeeds([...prefix, "true"])) return { prefix, owner };
  }
  return { prefix: [], ...owner, owner };
}

/** Gives `path` to the identity's owner, if that is somebody else than this process's user. */
export function handOver(path: string, identity: Identity): void {
  if (identity.owner) chownSync(path, identity.owner.uid, identity.owner.gid);
}

function ownerOf(folder: string): Identity["owner"] {
  if (!existsSync(folder)) return undefined;
  const { uid, gid } = statSync(folder);
  return uid === 0 ? undefined : { uid, gid };
}

async function accountOf(name: string): Promise<Identity["owner"]> {
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

async function succeeds(command: readonly string[]): Promise<boolean> {
  try {
    await run(command[0] ?? "", command.slice(1), { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
