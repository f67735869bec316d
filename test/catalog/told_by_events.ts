import assert from "node:assert/strict";
import type { ChangesSite } from "./changes_site.ts";

/** An event of a workflow's version. */
export interface VersionEvent {
  readonly event_type: string;
  readonly correlation_id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The events of one workflow's versions. */
export async function versionEvents({ admin }: ChangesSite, name: string): Promise<VersionEvent[]> {
  return admin<VersionEvent[]>`
    SELECT event_type, correlation_id, event_data AS data FROM audit_events
    WHERE event_data ->> 'workflow_name' = ${name}`;
}

/**
 * The rows of a workflow are those that its events tell of: each version was created once, and left each state as often as it
 * reached it, save the state that it has.
 */
export async function assertToldByEvents(site: ChangesSite, name: string): Promise<void> {
  const rows = await site.workflows(name);
  const events = await versionEvents(site, name);
  const created = events.filter(({ event_type }) => event_type === "datastorage.workflow.created");
  assert.deepEqual(created.map(({ data }) => data["version"]).sort(), rows.map(({ version }) => version).sort());
  for (const { version, status } of rows) {
    const balance = new Map<unknown, number>([["active", 1]]);
    for (const { event_type, data } of events) {
      if (data["version"] !== version || event_type !== "datastorage.workflow.updated") continue;
      balance.set(data["from_status"], (balance.get(data["from_status"]) ?? 0) - 1);
      balance.set(data["to_status"], (balance.get(data["to_status"]) ?? 0) + 1);
    }
    assert.deepEqual(
      [...balance].filter(([, count]) => count !== 0),
      [[status, 1]],
      `${name} ${version}`,
    );
  }
}
