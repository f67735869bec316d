// The thread of readAside: reads one content, answers with the outcome as JSON text, and ends.
import { parentPort, workerData } from "node:worker_threads";
import { type ContentKind, readObject } from "./reading.ts";

const { kind, text } = workerData as { kind: ContentKind; text: string };
parentPort?.postMessage(JSON.stringify(readObject(kind, text, { costlyPatterns: true })));
