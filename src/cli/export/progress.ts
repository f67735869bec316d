import { Presets, SingleBar } from "cli-progress";
import type { ExportProgress } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Terminal } from "../terminal.ts";
import { count } from "../text.ts";

/** Tells how far an export is, on standard error. */
export interface Progress {
  show(progress: ExportProgress): void;
  /** Bytes that came so far. */
  received(bytes: number): void;
  /** May be called again. */
  stop(): void;
}

const LINE_INTERVAL_MS = 10_000;
const DRAWS_PER_SECOND = 5;
const MIB = 1024 * 1024;

/** A bar on a terminal, and a plain line every ten seconds elsewhere. */
export function showProgress(terminal: Terminal): Progress {
  const { stream } = terminal.stderr;
  const latest = new Latest();
  return terminal.stderr.isTerminal && stream !== undefined ? barProgress(stream, latest) : lines(terminal, latest);
}

class Latest {
  bytes = 0;
  events = 0;
  done = 0;
  total = 0;
  readonly #begun = performance.now();

  take({ events, entriesDone, entriesTotal }: ExportProgress): void {
    this.events = Number(events);
    this.done = Number(entriesDone);
    this.total = Number(entriesTotal);
  }

  get text(): string {
    const rate = Math.round(this.done / ((performance.now() - this.#begun) / 1000)).toLocaleString("en-US");
    return `${count(this.events, "event")}  ${(this.bytes / MIB).toFixed(1)} MiB  ${rate}/s`;
  }
}

function barProgress(stream: NodeJS.WriteStream, latest: Latest): Progress {
  const drawing = { fps: DRAWS_PER_SECOND, barsize: 24, hideCursor: true, clearOnComplete: true, linewrap: false };
  const bar = new SingleBar({ stream, format: "{bar} {percentage}%  {text}", ...drawing }, Presets.shades_classic);
  let shown = false;
  return {
    show(progress) {
      latest.take(progress);
      if (shown) bar.setTotal(latest.total);
      else bar.start(latest.total, latest.done, { text: latest.text });
      shown = true;
      bar.update(latest.done, { text: latest.text });
    },
    received(bytes) {
      latest.bytes = bytes;
    },
    stop() {
      if (shown) bar.stop();
      shown = false;
    },
  };
}

function lines({ stderr }: Terminal, latest: Latest): Progress {
  const timer = setInterval(() => stderr.write(`${latest.text}\n`).catch(() => {}), LINE_INTERVAL_MS);
  timer.unref();
  return {
    show: (progress) => latest.take(progress),
    received(bytes) {
      latest.bytes = bytes;
    },
    stop: () => clearInterval(timer),
  };
}
