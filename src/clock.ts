import { readFileSync } from "node:fs";

/** Names the variable that gives a test's file with milliseconds to add to the machine's clock, read again and again. */
export const CLOCK_VARIABLE = "DATASTORAGE_TEST_CLOCK";

/** How often the file is read. */
const REREAD_MS = 50;

let offsetMs = 0;

const file = process.env[CLOCK_VARIABLE];
if (file !== undefined && file !== "") {
  const reread = () => {
    offsetMs = Number(readFileSync(file, "utf8")) || 0;
  };
  reread();
  setInterval(reread, REREAD_MS).unref();
}

/**
 * The wall clock in milliseconds since 1970. It may jump, also backwards: what it gives is written down and shown, and
 * nothing is ordered or timed by it.
 */
export function nowMs(): number {
  return Date.now() + offsetMs;
}
