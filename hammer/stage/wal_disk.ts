import { execFile, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdir, open, statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Room for the write-ahead log twice over. */
const SIZE_MIB = 1536;

/** A small disk of its own for PostgreSQL's write-ahead log, that can be made full. */
export interface WalDisk {
  readonly path: string;
  /** Takes all the space that is left. */
  fill(): Promise<void>;
  /** Gives it back. */
  clear(): void;
  unmount(): Promise<void>;
}

/** Mounts a tmpfs at `path`; undefined where this user may not. It is unmounted when this process ends, whatever ends it. */
export async function mountWalDisk(path: string): Promise<WalDisk | undefined> {
  if (process.getuid?.() !== 0 || process.platform !== "linux") return undefined;
  await mkdir(path);
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m,mode=0755`, "datastorage-hammer", path]);
  } catch {
    return undefined;
  }
  const watch = unmountAfterUs(path);
  const ballast = join(path, "ballast");
  return {
    path,
    async fill() {
      const { bavail, bsize } = await statfs(path);
      const file = await open(ballast, "a");
      try {
        const piece = Buffer.alloc(1 << 20);
        for (let left = bavail * bsize; left > 0; left -= piece.length) await file.write(piece);
        for (;;) await file.write(piece.subarray(0, 4096));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        await file.close();
      }
    },
    clear() {
      if (existsSync(ballast)) rmSync(ballast);
    },
    async unmount() {
      await run("umount", ["-l", path]);
      watch();
    },
  };
}

/** Its standard input ends when this process does; it then waits for the servers, which end likewise, no longer than umount -l lets it. */
function unmountAfterUs(path: string): () => void {
  const script = 'trap "" HUP INT TERM; read -r _; mountpoint -q "$0" && umount -l "$0"';
  const child = spawn("/bin/sh", ["-c", script, path], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
  });
  child.unref();
  const { stdin } = child;
  stdin.on("error", () => {});
  (stdin as unknown as { unref?(): void }).unref?.();
  return () => stdin.end();
}
