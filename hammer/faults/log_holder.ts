import { setTimeout as wait } from "node:timers/promises";
import type { StageService } from "../stage/service.ts";
import type { Stage } from "../stage/stage.ts";

const LOOK_MS = 50;

/** The service that gives events their index: whose connection has the lock of the log. Undefined: none has it, or it is not to be seen. */
export async function logHolder(stage: Stage): Promise<StageService | undefined> {
  const rows = await stage.postgres
    .admin(
      (sql) => sql<{ client_port: number }[]>`
        SELECT client_port FROM pg_stat_activity JOIN pg_locks USING (pid)
        WHERE application_name = 'datastorage sequencer' AND locktype = 'advisory' AND granted`,
    )
    .catch(() => []);
  return stage.services.find(({ postgres }) => rows.some(({ client_port: port }) => postgres.comesFrom(port)));
}

/** Resolves with the service that has the lock as soon as it is as wanted; undefined when it is not within the time. */
export async function untilHolder(
  stage: Stage,
  wanted: (holder: StageService) => boolean,
  withinMs: number,
): Promise<StageService | undefined> {
  for (const begun = performance.now(); performance.now() - begun < withinMs; await wait(LOOK_MS)) {
    const holder = await logHolder(stage);
    if (holder !== undefined && wanted(holder)) return holder;
  }
  return undefined;
}
