import type { KeyObject } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { settings } from "../src/config/settings.ts";
import { faultText } from "../src/fsck/findings.ts";
import { fsck } from "../src/fsck/fsck.ts";
import { readPrivateKeys } from "../src/integrity/note/keys.ts";
import { logSigners } from "../src/integrity/sealing/log_signers.ts";
import { breakThings } from "./breaking.ts";
import { type Clients, startClients } from "./client/clients.ts";
import { depth } from "./faults/valkey_faults.ts";
import { type DeadLetters, readDeadLetters } from "./letters.ts";
import { type LastCover, untilCovered } from "./log_cover.ts";
import type { Options } from "./options.ts";
import type { Progress } from "./progress.ts";
import { Readers } from "./readers/readers.ts";
import type { Stage } from "./stage/stage.ts";
import { Tally } from "./tally.ts";
import { Found } from "./verdict/finding.ts";
import { type LogVerdict, logVerdict } from "./verdict/log/log_verdict.ts";
import { type Verdict, verdict } from "./verdict/verdict.ts";

/** Client processes. */
const CLIENTS = 2;
/** Share of batches of which an id is used again with other content: enough for some to be QUEUED in most outages. */
const TWINS = 0.02;
/** Milliseconds until clients have everything acknowledged when nothing is broken any more. */
const LAST_ANSWERS_MS = 180_000;
/** Milliseconds without any entry leaving the queue after which it counts as stuck. */
const STUCK_MS = 60_000;

/** What a campaign came to. */
export interface Outcome {
  readonly seconds: number;
  readonly tally: Tally;
  readonly verdict: Verdict;
  readonly deadLetters: DeadLetters;
  readonly storeFaults: Found;
  /** Entries that were still in the queue when it moved no more. */
  readonly queueLeft: number;
  readonly log: LogVerdict & LastCover & { readonly streams: number };
  /** Lives of services that ended otherwise than by a fault. */
  readonly crashes: readonly string[];
}

/** Runs clients against the stage while things break, heals everything, and compares what was told with what is stored. */
export async function runCampaign(
  stage: Stage,
  options: Options,
  progress: Progress,
  onClients: (clients: Clients, readers: Readers) => void,
): Promise<Outcome> {
  const begun = performance.now();
  const tally = new Tally();
  const historyFolder = join(stage.folder, "histories");
  mkdirSync(historyFolder);
  const addresses = stage.services.map(({ address }) => address);
  const readers = new Readers(addresses, historyFolder);
  const clients = startClients({
    seed: options.seed,
    addresses,
    eventsPerSecond: options.rate / CLIENTS,
    processes: CLIENTS,
    twinShare: TWINS,
    historyFolder,
  });
  onClients(clients, readers);
  stage.tellClients = (message) => clients.control(message);
  progress.watch(stage, clients, tally);
  const over = new AbortController();
  clients.ended.catch(() => {}).finally(() => over.abort());
  await breakThings(stage, options, tally, progress.tell, over.signal);
  progress.tell("nothing is broken any more; waiting for the last answers");
  clients.control({ end: true });
  await within(LAST_ANSWERS_MS, clients.ended, "the clients did not get everything acknowledged");
  progress.tell("everything is acknowledged; waiting for the queue");
  const queueLeft = await untilDrained(stage);
  progress.tell("waiting for the log");
  const cover = await untilCovered(stage, readers);
  await readers.end();
  const seconds = (performance.now() - begun) / 1000;
  progress.stop();
  const examined = await examine(stage, clients, options, progress);
  progress.tell("comparing what was read of the log with what it is");
  const log = await judgeLog(stage, readers);
  return { seconds, tally, queueLeft, ...examined, log: { ...log, ...cover, streams: readers.progress.streams } };
}

/** Waits until nothing is queued any more, or until nothing has moved for long: then so many entries are left. */
async function untilDrained(stage: Stage): Promise<number> {
  let left = await depth(stage);
  for (let since = performance.now(); left > 0 && performance.now() - since < STUCK_MS; await wait(200)) {
    const now = await depth(stage);
    if (now < left) since = performance.now();
    left = now;
  }
  return left;
}

async function examine(stage: Stage, clients: Clients, { wipe }: Options, progress: Progress) {
  const databaseUrl = stage.postgres.adminUrl;
  progress.tell("comparing what the clients were told with what is stored");
  // Beside the folder, which goes when nothing else was found.
  const lostQueuedFile = `${stage.folder}.lost-queued.txt`;
  const compared = await verdict({
    histories: clients.histories,
    databaseUrl,
    allowLostQueued: wipe,
    ...(wipe ? { lostQueuedFile } : {}),
  });
  if (wipe) progress.tell(`what was queued and lost with Valkey is named in ${lostQueuedFile}`);
  progress.tell("checking the store against itself");
  const storeFaults = new Found();
  await fsck({
    databaseUrl,
    // A queue that was wiped contradicts the database, as it should.
    valkeyUrl: wipe ? undefined : stage.valkey.url,
    monthsAhead: Number(settings.monthsAhead.fallback),
    retentionDays: Number(settings.retentionDays.fallback),
    onFault: (fault) => storeFaults.add(() => faultText(fault)),
  });
  return { verdict: compared, deadLetters: await readDeadLetters(stage), storeFaults, crashes: stage.crashes() };
}

function judgeLog({ postgres, logKeyFile }: Stage, { tailFile, checkpointsFile }: Readers): Promise<LogVerdict> {
  const privateKeys = readPrivateKeys(readFileSync(logKeyFile, "utf8")) as [KeyObject, ...KeyObject[]];
  return logVerdict({
    databaseUrl: postgres.adminUrl,
    tailFile,
    checkpointsFile,
    verifiers(origin) {
      const { log, cosigner } = logSigners({ privateKeys }, origin);
      return [...log, cosigner].map(({ verifier }) => verifier);
    },
  });
}

async function within<T>(ms: number, promise: Promise<T>, otherwise: string): Promise<T> {
  const giveUp = new AbortController();
  const late = wait(ms, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error(`${otherwise} within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => {});
    giveUp.abort();
  }
}
