import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { logOrigin } from "../../config/log_kinds.ts";
import { newPrivateKey, readPrivateKeys } from "../../integrity/note/keys.ts";
import type { LogKeys } from "../../integrity/sealing/log_keys.ts";
import { logSigners, usedKeys } from "../../integrity/sealing/log_signers.ts";
import { noPositionals } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";

export const keygen: Command = {
  name: "log keygen",
  summary: "Makes a private key for the log.",
  positionals: "",
  notes: [
    "Without --output the key goes to standard output, as PEM: it belongs into a secret that DATASTORAGE_LOG_KEY or " +
      "DATASTORAGE_LOG_KEY_FILE gives to every process of the service. Nobody else needs it.",
    "With --origin the public verifier keys are told as well, on standard error where the key goes to standard output: these are " +
      "what auditors are given. To change the key, put the new one before the old one in the same file, and take the old one out when " +
      "everybody knows the new keys.",
  ],
  flags: {
    output: { value: "FILE", help: "write the key to a new file that only its owner can read" },
    origin: { value: "NAME", help: "name of the log (DATASTORAGE_LOG_ORIGIN), to tell the verifier keys" },
    json: { help: "print JSON, for programs: private_key, unless it goes to a file, and verifier_keys" },
  },
  run: runKeygen,
};

async function runKeygen({ given, terminal }: Invocation): Promise<ExitCode> {
  noPositionals(given);
  const origin = originOf(given.text("origin"));
  const output = given.text("output");
  const pem = newPrivateKey();
  if (output !== undefined) writeKey(output, pem);
  const privateKeys = readPrivateKeys(pem) as unknown as LogKeys["privateKeys"];
  const keys = origin === undefined ? [] : usedKeys(logSigners({ privateKeys }, origin));
  if (given.has("json")) {
    const verifierKeys = keys.map(({ verifierKey, purpose }) => ({ verifier_key: verifierKey, purpose }));
    const told = { ...(output === undefined ? { private_key: pem } : { file: output }), verifier_keys: verifierKeys };
    await terminal.stdout.write(`${JSON.stringify(told)}\n`);
    return EXIT.ok;
  }
  const lines = keys.map(({ verifierKey, purpose }) => `${purpose.padEnd(9)}${verifierKey}\n`).join("");
  if (output === undefined) {
    await terminal.stdout.write(pem);
    if (lines !== "") await terminal.stderr.write(lines);
  } else {
    await terminal.stdout.write(`wrote ${output}\n${lines}`);
  }
  return EXIT.ok;
}

function originOf(text: string | undefined): string | undefined {
  if (text !== undefined && logOrigin.parse(text) === undefined)
    throw new UsageError(`--origin must be ${logOrigin.rule}`);
  return text;
}

function writeKey(file: string, pem: string): void {
  try {
    const descriptor = openSync(file, "wx", 0o600);
    try {
      writeSync(descriptor, pem);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const rule = code === "EEXIST" ? "is there already, and a key is never overwritten" : `cannot be written (${code})`;
    throw new UsageError(`--output ${file} ${rule}`, { cause });
  }
}
