import { nowMs } from "../../clock.ts";
import type { Stamp } from "./decision.ts";

const NAME_CODE_POINTS = 255;

/** The stamp of a change that `by` makes now. */
export function stampNow(by: string): Stamp {
  return { by: [...by].slice(0, NAME_CODE_POINTS).join(""), at: timestamptzText(nowMs()) };
}

/** A time as PostgreSQL writes a timestamptz with TimeZone UTC and DateStyle ISO. */
export function timestamptzText(epochMs: number): string {
  const [date, time = ""] = new Date(epochMs).toISOString().slice(0, -1).split("T");
  return `${date} ${time.replace(/\.?0+$/, "")}+00`;
}
