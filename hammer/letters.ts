import type { Stage } from "./stage/stage.ts";
import { Found } from "./verdict/finding.ts";

/** What was given up to the dead letters. */
export interface DeadLetters {
  /** Ids that were sent again with other content while only the queue could take them: clients do so on purpose. */
  readonly conflicts: number;
  /** Everything else: there should be none. */
  readonly others: Found;
}

const STREAMS = ["audit:dead-letter:events", "audit:dead-letter:notifications"];
const PAGE = 1000;

export async function readDeadLetters(stage: Stage): Promise<DeadLetters> {
  const others = new Found();
  let conflicts = 0;
  await stage.valkey.run(async (redis) => {
    for (const stream of STREAMS) {
      for (let after = "-"; ; ) {
        const page = await redis.xrange(stream, after, "+", "COUNT", PAGE);
        for (const [id, fields] of page) {
          const letter = pairs(fields);
          if (letter["reason"] === "conflict") conflicts++;
          else
            others.add(
              () => `${stream} ${id}: ${letter["reason"]}, event ${letter["event_id"]}: ${letter["last_error"]}`,
            );
        }
        const last = page.at(-1)?.[0];
        if (last === undefined || page.length < PAGE) break;
        after = `(${last}`;
      }
    }
  });
  return { conflicts, others };
}

function pairs(fields: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (let at = 0; at + 1 < fields.length; at += 2) result[fields[at] as string] = fields[at + 1] as string;
  return result;
}
