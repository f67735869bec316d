import { Presets, SingleBar } from "cli-progress";
import type { VerifyProgress } from "../../integrity/offline/verify_bundle.ts";
import type { Terminal } from "../terminal.ts";

const LINE_INTERVAL_MS = 10_000;
const DRAWS_PER_SECOND = 5;

/** Tells how far a verification is, on standard error: a bar on a terminal, a plain line every ten seconds elsewhere. */
export interface Progress {
  /** The chunks, counted as they pass. */
  counted(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  show(progress: VerifyProgress): void;
  stop(): void;
}

/** @param totalBytes undefined where nobody knows. */
export function showProgress(terminal: Terminal, totalBytes: number | undefined): Progress {
  const begun = performance.now();
  let [bytes, events] = [0, 0];
  const text = () => {
    const rate = Math.round(events / ((performance.now() - begun) / 1000));
    return `${events.toLocaleString("en-US")} events  ${rate.toLocaleString("en-US")}/s`;
  };
  const bar = startBar(terminal, totalBytes, text());
  const timer = setInterval(() => terminal.stderr.write(`${text()}\n`).catch(() => {}), LINE_INTERVAL_MS);
  timer.unref();
  if (bar !== undefined) clearInterval(timer);
  return {
    async *counted(chunks) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        yield chunk;
      }
    },
    show(progress) {
      ({ events } = progress);
      bar?.update(bytes, { text: text() });
    },
    stop() {
      clearInterval(timer);
      bar?.stop();
    },
  };
}

function startBar({ stderr }: Terminal, totalBytes: number | undefined, text: string): SingleBar | undefined {
  if (!stderr.isTerminal || stderr.stream === undefined) return undefined;
  const format = totalBytes === undefined ? "{text}" : "{bar} {percentage}%  {text}";
  const drawing = { fps: DRAWS_PER_SECOND, barsize: 24, hideCursor: true, clearOnComplete: true, linewrap: false };
  const bar = new SingleBar({ stream: stderr.stream, format, ...drawing }, Presets.shades_classic);
  bar.start(totalBytes ?? 0, 0, { text });
  return bar;
}
