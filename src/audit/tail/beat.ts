/**
 * The items of an iterator, and undefined whenever none has come for so long. The iterator is ended with this one, but not waited
 * for: what it does then must end by itself.
 */
export async function* beating<T>(items: AsyncGenerator<T>, everyMs: number): AsyncGenerator<T | undefined> {
  let beat = () => {};
  const timer = setInterval(() => beat(), everyMs);
  try {
    for (;;) {
      const next = items.next();
      // Counted anew from here: what the consumer has taken its time for is no silence of ours.
      timer.refresh();
      for (;;) {
        const silence = Promise.withResolvers<undefined>();
        beat = () => silence.resolve(undefined);
        const result = await Promise.race([next, silence.promise]);
        if (result === undefined) {
          yield undefined;
          continue;
        }
        if (result.done) return;
        yield result.value;
        break;
      }
    }
  } finally {
    clearInterval(timer);
    items.return(undefined).catch(() => {});
  }
}
