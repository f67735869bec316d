import { type ContextKey, createContextKey, type Interceptor } from "@connectrpc/connect";
import { context as activeContext } from "@opentelemetry/api";
import type { Logger } from "pino";
import { Fault, invalid } from "../fault.ts";
import { callKey } from "./call.ts";
import { toConnectError, toReadError } from "./errors.ts";
import { validateRequest } from "./validation.ts";

/**
 * Where handlers find the signal that the server is draining: `context.values.get(drainingKey)`. A call that lasts should
 * then settle what it has begun, answer for it and end; calls that are still there after the bound of the shutdown are cut.
 */
export const drainingKey: ContextKey<AbortSignal> = createContextKey<AbortSignal>(new AbortController().signal, {
  description: "draining",
});

/** Counts the handlers at work, those included whose caller has gone. */
export class HandlersAtWork {
  #count = 0;
  #idle: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves when no handler is at work. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}

/** Runs handlers in the trace of their call, counts them, and maps what they throw to what the caller gets. */
export function handleCalls(log: Logger, atWork: HandlersAtWork): Interceptor {
  return (next) => async (request) => {
    const call = request.contextValues.get(callKey);
    const trace = call?.context ?? activeContext.active();
    const failed = (error: unknown) => {
      const callLog = log.child({ rpc: `${request.service.typeName}/${request.method.name}` });
      return activeContext.with(trace, toConnectError, undefined, error, callLog, request.signal);
    };
    let streaming = false;
    atWork.begin();
    try {
      const message = request.stream ? readable(request.message, log, request.signal) : undefined;
      const read = request.stream && message !== undefined ? { ...request, message } : request;
      const response = await activeContext.with(trace, next, undefined, read);
      if (call !== undefined) call.answered = true;
      if (!response.stream) return response;
      streaming = true;
      const inTrace = within(response.message, (step) => activeContext.with(trace, step));
      return { ...response, message: answering(inTrace, failed, () => atWork.end()) };
    } catch (error) {
      throw failed(error);
    } finally {
      if (!streaming) atWork.end();
    }
  };
}

/**
 * Refuses requests that break the protovalidate rules of their proto, before a handler sees them. Streams of requests are
 * left to their handlers, which can answer for one message without ending the stream (validateRequest).
 */
export const validateRequests: Interceptor = (next) => async (request) => {
  const { methodKind, input } = request.method;
  if (!request.stream) refuseInvalid(validateRequest(input, request.message));
  else if (methodKind === "server_streaming") {
    const { message } = request;
    return next({ ...request, message: validated(message, input) });
  }
  return next(request);
};

async function* validated<T>(
  messages: AsyncIterable<T>,
  input: Parameters<typeof validateRequest>[0],
): AsyncGenerator<T> {
  for await (const message of messages) {
    refuseInvalid(validateRequest(input, message as Parameters<typeof validateRequest>[1]));
    yield message;
  }
}

function refuseInvalid(violations: ReturnType<typeof validateRequest>): void {
  if (violations.length > 0) throw invalid(violations);
}

/**
 * The messages of a stream until the signal is aborted; then it throws UNAVAILABLE, also while nothing arrives: a client
 * that has not ended its stream must not take the end for a good one. For handlers of long calls, with the signal of
 * drainingKey; what they have begun they settle and answer first.
 */
export async function* until<T>(signal: AbortSignal, messages: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  let stop: () => void = () => {};
  const stopped = () => stop();
  signal.addEventListener("abort", stopped, { once: true });
  try {
    while (!signal.aborted) {
      const result = await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
        stop = () => resolve(undefined);
        iterator.next().then(resolve, reject);
      });
      if (result === undefined) break;
      if (result.done) return;
      yield result.value;
    }
    throw drained();
  } finally {
    signal.removeEventListener("abort", stopped);
    // Not awaited: it settles only when the read that is under way does.
    iterator.return?.()?.catch(() => {});
  }
}

/** Every gRPC client opens a new connection for the next call after this. */
function drained(): Fault {
  return new Fault("unavailable", "this connection is closing; go on over a new one with what was not answered", {
    reason: "CONNECTION_DRAINING",
  });
}

async function* readable<T>(messages: AsyncIterable<T>, log: Logger, signal: AbortSignal): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw toReadError(error, log, signal);
  }
}

async function* answering<T>(
  messages: AsyncIterable<T>,
  failed: (error: unknown) => unknown,
  ended: () => void,
): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw failed(error);
  } finally {
    ended();
  }
}

/** Takes every step of an iterable within `run`: what an async generator does happens where its next() is called. */
function within<T>(messages: AsyncIterable<T>, run: <R>(step: () => R) => R): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = run(() => messages[Symbol.asyncIterator]());
      return {
        next: () => run(() => iterator.next()),
        throw: (error) => run(() => iterator.throw?.(error) ?? Promise.reject(error)),
        return: (value) => run(() => iterator.return?.(value) ?? Promise.resolve({ done: true, value })),
      };
    },
  };
}
