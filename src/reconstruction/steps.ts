import { setImmediate as otherWork } from "node:timers/promises";

/** A long computation that yields wherever it may be put off for a while. */
export type Steps<T> = Generator<undefined, T>;

/** Milliseconds after which other work of the process has its turn. */
const PIECE_MS = 10;

/** Carries out a computation without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Carries out a computation with pauses for other work. @throws the reason of `signal` when that is aborted. */
export async function inPieces<T>(steps: Steps<T>, signal: AbortSignal): Promise<T> {
  let began = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (performance.now() - began < PIECE_MS) continue;
    await otherWork();
    signal.throwIfAborted();
    began = performance.now();
  }
}

/** Maps items one by one. */
export function* mapping<From, To>(items: readonly From[], map: (item: From) => To): Steps<To[]> {
  const mapped: To[] = [];
  for (const item of items) {
    yield;
    mapped.push(map(item));
  }
  return mapped;
}
