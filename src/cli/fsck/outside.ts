import { readFile } from "node:fs/promises";
import type { Outside } from "../../fsck/log/check_log.ts";
import { NoteError, parseVerifierKey, type Verifier } from "../../integrity/note/signed_note.ts";
import { KeptCheckpoint } from "../../integrity/sealing/kept_checkpoint.ts";
import type { Invocation } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { StartFailure } from "../failure.ts";

/**
 * What the log is held against: the checkpoint of --checkpoint, else the one in the data folder, where there is one.
 *
 * @throws UsageError for a key that is none; StartFailure for a file that cannot be read.
 */
export async function readOutside({ given }: Invocation, dataDir: string): Promise<Outside> {
  const file = given.text("checkpoint");
  const kept = new KeptCheckpoint(dataDir);
  const name = file ?? kept.file;
  let note: string | undefined;
  try {
    note = file === undefined ? await kept.read() : await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartFailure(`the checkpoint ${name} cannot be read (${code})`, { cause: error });
  }
  return {
    checkpoint: note === undefined ? undefined : { name, note },
    verifier: verifierOf(given.text("verifier-key")),
  };
}

function verifierOf(key: string | undefined): Verifier | undefined {
  if (key === undefined) return undefined;
  try {
    return parseVerifierKey(key);
  } catch (error) {
    if (error instanceof NoteError) throw new UsageError(`--verifier-key: ${error.message}`);
    throw error;
  }
}
