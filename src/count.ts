/** `1 event`, `2 events`, `12,345 events`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${NUMBERS.format(number)} ${number === 1 ? noun : plural}`;
}

const NUMBERS = new Intl.NumberFormat("en-US");
