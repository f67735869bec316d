import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { verifyConsistency } from "../../src/integrity/merkle/proofs.ts";
import { type Checkpoint, parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import {
  cosigner,
  NoteError,
  noteText,
  parseNote,
  type Verifier,
  verifyNote,
} from "../../src/integrity/note/signed_note.ts";
import type { WitnessOption } from "../../src/integrity/sealing/witness_option.ts";

/** How a witness behaves: as C2SP tlog-witness says, or not. */
export type WitnessManner =
  | "honest"
  | "refuses"
  | "silent"
  | "garbage"
  | "wrong signature"
  | "endless"
  | "forgets the type";

/** A witness of a test's own. */
export interface TestWitness {
  readonly option: WitnessOption;
  readonly verifier: Verifier;
  manner: WitnessManner;
  /** What it cosigned last, by origin. */
  readonly cosigned: Map<string, Checkpoint>;
  /** The status of each answer so far. */
  readonly answers: number[];
  /** Resolves when it has given so many answers more. */
  answered(more: number): Promise<void>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

/** Starts a witness for logs whose verifier keys `logs` gives by origin. */
export async function startWitness(
  name: string,
  logs: (origin: string) => readonly Verifier[] | undefined,
): Promise<TestWitness> {
  const signer = cosigner(name, createPrivateKey(newPrivateKey()), () => Math.floor(Date.now() / 1000));
  const cosigned = new Map<string, Checkpoint>();
  const answers: number[] = [];
  const waiting = new Set<{ left: number; done: () => void }>();
  const server = createServer((request, response) => void handle(request, response));
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    if (witness.manner === "silent") return;
    const { status, body: told, type = "text/plain" } = answerTo(request, body);
    answers.push(status);
    response.writeHead(status, { "content-type": type }).end(told);
    for (const wait of waiting) if (--wait.left === 0) wait.done();
  };
  const answerTo = ({ method, url }: IncomingMessage, body: string): Answer => {
    if (method !== "POST" || url !== "/prefix/add-checkpoint") return { status: 405, body: "" };
    if (witness.manner === "refuses") return { status: 503, body: "closed for the day\n" };
    if (witness.manner === "garbage") return { status: 200, body: "\u0000\u0001 no signature\n" };
    if (witness.manner === "endless") return { status: 200, body: "x".repeat(1024 * 1024) };
    const answer = addCheckpoint(body);
    return witness.manner === "forgets the type" && answer.type !== undefined
      ? { ...answer, type: "text/plain" }
      : answer;
  };
  const addCheckpoint = (body: string): Answer => {
    const end = body.indexOf("\n\n");
    const [oldLine = "", ...proofLines] = body.slice(0, end).split("\n");
    const old = Number(/^old (0|[1-9]\d*)$/.exec(oldLine)?.[1] ?? Number.NaN);
    const note = parseNote(body.slice(end + 2));
    const checkpoint = parseCheckpoint(note.text);
    const known = logs(checkpoint.origin);
    if (known === undefined) return { status: 404, body: "unknown origin\n" };
    try {
      verifyNote(note, known);
    } catch (error) {
      if (error instanceof NoteError) return { status: 403, body: "no trusted signature\n" };
      throw error;
    }
    if (!(old <= checkpoint.size)) return { status: 400, body: "old size\n" };
    const last = cosigned.get(checkpoint.origin);
    if (old !== (last?.size ?? 0)) return { status: 409, body: `${last?.size ?? 0}\n`, type: "text/x.tlog.size" };
    const proof = proofLines.map((line) => Buffer.from(line, "base64"));
    if (last !== undefined && last.size === checkpoint.size && !last.root.equals(checkpoint.root)) {
      return { status: 409, body: "another root\n" };
    }
    const proven =
      last === undefined
        ? proof.length === 0
        : verifyConsistency(old, last.root, checkpoint.size, checkpoint.root, proof);
    if (!proven) return { status: 422, body: "inconsistent\n" };
    cosigned.set(checkpoint.origin, checkpoint);
    const signed = signer.sign(witness.manner === "wrong signature" ? `${note.text}more\n` : note.text);
    return { status: 200, body: noteText({ text: "", signatures: [signed] }).slice(1) };
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const witness: TestWitness = {
    option: { verifierKey: signer.verifier.verifierKey, url: `http://127.0.0.1:${port}/prefix` },
    verifier: signer.verifier,
    manner: "honest",
    cosigned,
    answers,
    answered: (more) =>
      new Promise((done) => {
        waiting.add({ left: more, done });
      }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return witness;
}
