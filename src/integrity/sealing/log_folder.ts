import { chownSync, closeSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** The folder of what the log keeps outside of the database: its key, where it made one, and the latest checkpoint. */
export function logFolder(dataDir: string): string {
  return join(resolve(dataDir), "log");
}

/** Makes the folder where it is missing, for its owner alone. */
export function makeLogFolder(dataDir: string): void {
  const folder = logFolder(dataDir);
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) leaveToOwner(folder, dirname(folder));
  syncFolder(dirname(folder));
}

/** Writes a file that must not be there yet, whole or not at all, for its owner alone. */
export function writeNew(file: string, text: string): void {
  const whole = `${file}.new`;
  rmSync(whole, { force: true });
  const descriptor = openSync(whole, "wx", 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  leaveToOwner(whole, dirname(file));
  linkSync(whole, file);
  rmSync(whole);
  syncFolder(dirname(file));
}

/** Replaces a file, so that it is the old or the new one whatever happens, and the new one for good once this resolves. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const whole = `${file}.${process.pid}.new`;
  try {
    const handle = await open(whole, "w", 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    leaveToOwner(whole, dirname(file));
    await rename(whole, file);
  } catch (error) {
    // A full disk must not be left fuller.
    await rm(whole, { force: true }).catch(() => {});
    throw error;
  }
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Root, in a folder of somebody else, leaves no file there that its owner could not use at the next start. */
function leaveToOwner(path: string, folder: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  chownSync(path, uid, gid);
}
