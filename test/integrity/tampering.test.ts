// What a superuser of the database can do to chains, what VerifyChain says of it, and what fsck.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventId, PAST_MONTH } from "../fsck/append_chains.ts";
import { PLACES, rewriteChain, tamperedStore, verify } from "./tampered_store.ts";

const at = (position: number) => `event_id = '${eventId(1, position)}'`;
const ZEROS = "0".repeat(64);
const partition = (month: string) => `audit_events_${month.slice(0, 7).replace("-", "_")}`;

interface Case {
  readonly name: string;
  readonly damage: readonly string[];
  /** As `kind@place`. */
  readonly verified: readonly string[];
  /** As `check.kind@place`. */
  readonly checked: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "a payload changed",
    damage: [`UPDATE audit_events SET event_data = event_data || '{"position":9}' WHERE ${at(3)}`],
    verified: ["event_hash@3"],
    checked: ["chains.event_hash@3"],
  },
  {
    name: "a hash changed",
    damage: [`UPDATE audit_events SET event_hash = '${ZEROS}' WHERE ${at(3)}`],
    verified: ["event_hash@3", "log_entry@3", "previous_hash@4"],
    checked: ["chains.event_hash@3", "chains.previous_hash@4", "log.entry@3"],
  },
  {
    name: "the hash of the last event changed, which waits for an index",
    damage: [`UPDATE audit_events SET event_hash = '${ZEROS}' WHERE ${at(PLACES)}`],
    verified: ["event_hash@7", "log_entry@7", "head@7"],
    checked: ["chains.event_hash@7", "heads.head_hash@7", "log.pending_hash@7"],
  },
  {
    name: "a previous hash changed",
    damage: [`UPDATE audit_events SET previous_event_hash = '${ZEROS}' WHERE ${at(3)}`],
    verified: ["previous_hash@3", "event_hash@3"],
    checked: ["chains.previous_hash@3", "chains.event_hash@3"],
  },
  {
    name: "a row deleted",
    damage: [`DELETE FROM audit_events WHERE ${at(3)}`],
    verified: ["missing@3"],
    checked: ["ids.no_event@3", "chains.gap@4", "log.no_event@3"],
  },
  {
    name: "a row deleted with its id",
    damage: [`DELETE FROM audit_events WHERE ${at(3)}`, `DELETE FROM audit_event_ids WHERE ${at(3)}`],
    verified: ["missing@3"],
    checked: ["chains.gap@4", "log.no_event@3"],
  },
  {
    name: "two rows swapped",
    damage: [
      `UPDATE audit_events SET chain_position = 99 WHERE ${at(3)}`,
      `UPDATE audit_events SET chain_position = 3 WHERE ${at(4)}`,
      `UPDATE audit_events SET chain_position = 4 WHERE ${at(3)}`,
    ],
    verified: ["previous_hash@3", "log_entry@3", "previous_hash@4", "log_entry@4", "previous_hash@5"],
    checked: [
      "ids.id_position@4",
      "ids.id_position@3",
      "chains.previous_hash@3",
      "chains.previous_hash@4",
      "chains.previous_hash@5",
      "log.no_event@3",
      "log.no_event@4",
    ],
  },
  {
    name: "a tail cut, which the head remembers",
    damage: [`DELETE FROM audit_events WHERE correlation_id = 'rr-1' AND chain_position >= 5`],
    verified: ["missing@5"],
    checked: [
      "ids.no_event@5",
      "ids.no_event@6",
      "ids.no_event@7",
      "heads.head_position@4",
      "log.no_event@7",
      "log.no_event@5",
      "log.no_event@6",
    ],
  },
  {
    name: "a tail cut with ids and head, which the log remembers",
    damage: [
      `DELETE FROM audit_event_ids WHERE event_id IN (
         SELECT event_id FROM audit_events WHERE correlation_id = 'rr-1' AND chain_position >= 5)`,
      `DELETE FROM audit_events WHERE correlation_id = 'rr-1' AND chain_position >= 5`,
      `UPDATE audit_chain_heads SET chain_position = 4, event_hash = (
         SELECT event_hash FROM audit_events WHERE ${at(4)}) WHERE correlation_id = 'rr-1'`,
    ],
    verified: ["missing@5", "head@7"],
    checked: ["log.no_head@5", "log.no_event@7", "log.no_event@5", "log.no_event@6"],
  },
  {
    name: "a whole correlation removed, which the head remembers",
    damage: [
      `DELETE FROM audit_event_ids WHERE event_id IN (SELECT event_id FROM audit_events WHERE correlation_id = 'rr-1')`,
      `DELETE FROM audit_events WHERE correlation_id = 'rr-1'`,
    ],
    verified: ["missing@1"],
    checked: [
      "heads.no_chain@7",
      "log.no_event@7",
      ...[1, 2, 3, 4, 5, 6].map((position) => `log.no_event@${position}`),
    ],
  },
  {
    name: "a whole correlation removed with its head and what waits, which the log remembers",
    damage: [
      `DELETE FROM audit_event_ids WHERE event_id IN (SELECT event_id FROM audit_events WHERE correlation_id = 'rr-1')`,
      `DELETE FROM audit_events WHERE correlation_id = 'rr-1'`,
      `DELETE FROM audit_chain_heads WHERE correlation_id = 'rr-1'`,
      `DELETE FROM audit_log_pending WHERE correlation_id = 'rr-1'`,
    ],
    verified: ["missing@1", "head@6"],
    checked: ["log.no_head@1", ...[1, 2, 3, 4, 5, 6].map((position) => `log.no_event@${position}`)],
  },
  {
    name: "a partition dropped",
    damage: [`DROP TABLE ${partition(PAST_MONTH)}`],
    verified: ["missing@1", "missing@3", "missing@5", "missing@7"],
    checked: [
      ...[1, 1, 3, 3, 5, 5, 7, 7].map((position) => `ids.no_event@${position}`),
      "chains.gap@2",
      "chains.gap@4",
      "chains.gap@6",
      "heads.head_position@6",
      "log.no_event@7",
      "log.no_event@1",
      "log.no_event@3",
      "log.no_event@5",
    ],
  },
  {
    name: "an event of another chain put at a place that is taken",
    damage: [`UPDATE audit_events SET correlation_id = 'rr-1', chain_position = 2 WHERE event_id = '${eventId(2, 3)}'`],
    verified: ["previous_hash@2", "event_hash@2", "log_entry@2", "fork@2"],
    checked: [
      "ids.id_position@2",
      "chains.previous_hash@2",
      "chains.event_hash@2",
      "chains.fork@2",
      "chains.gap@4",
      "log.no_event@3",
    ],
  },
  {
    name: "a salt erased",
    damage: [`UPDATE audit_event_ids SET salt = NULL WHERE ${at(3)}`],
    verified: ["no_salt@3"],
    checked: ["ids.no_salt@3"],
  },
  {
    name: "a salt changed",
    damage: [`UPDATE audit_event_ids SET salt = '\\x${"00".repeat(16)}' WHERE ${at(3)}`],
    verified: ["event_hash@3"],
    checked: ["chains.event_hash@3"],
  },
  {
    name: "a head removed",
    damage: [`DELETE FROM audit_chain_heads WHERE correlation_id = 'rr-1'`],
    verified: ["head@7"],
    checked: ["heads.no_head@7", "log.no_head@1"],
  },
  {
    name: "a run's salt changed",
    damage: [
      `UPDATE audit_log_runs SET salt = '\\x${"00".repeat(16)}' WHERE correlation_id = 'rr-1' AND first_position = 3`,
    ],
    verified: ["log_entry@3"],
    checked: ["log.entry@3"],
  },
  {
    name: "a run's salt shortened",
    damage: [`UPDATE audit_log_runs SET salt = '\\x00' WHERE correlation_id = 'rr-1' AND first_position = 3`],
    verified: ["log_entry@3"],
    checked: ["log.run_salt@3", "log.entry@3"],
  },
  {
    name: "a run removed",
    damage: [`DELETE FROM audit_log_runs WHERE correlation_id = 'rr-1' AND first_position = 3`],
    verified: ["not_in_log@3"],
    checked: ["log.not_in_log@3", "log.no_run@index 4"],
  },
  {
    name: "a run that claims a place once more",
    damage: [`UPDATE audit_log_runs SET event_count = 2 WHERE correlation_id = 'rr-1' AND first_position = 3`],
    verified: ["log_entry@4"],
    checked: ["log.in_log_twice@4", "log.no_event@4", "log.two_runs@3"],
  },
  {
    name: "a place that has an index put among those that wait for one",
    damage: [
      `INSERT INTO audit_log_pending (
         correlation_id, first_position, event_count, first_date, last_date, event_hashes, recorded_time)
       SELECT correlation_id, 3, 1, event_date, event_date, decode(event_hash, 'hex'), recorded_time
       FROM audit_events WHERE ${at(3)}`,
    ],
    verified: ["log_entry@3"],
    checked: ["log.in_log_twice@3"],
  },
  {
    name: "a pending row removed",
    damage: [`DELETE FROM audit_log_pending WHERE correlation_id = 'rr-1'`],
    verified: ["not_in_log@7"],
    checked: ["log.not_in_log@7"],
  },
];

for (const { name, damage, verified, checked } of CASES) {
  test(name, async (context) => {
    const store = await tamperedStore(context);
    await store.damage(...damage);
    assert.deepEqual(await store.verified(), verified);
    assert.deepEqual(await store.checked(), [...new Set(checked)]);
  });
}

test("nothing tampered with: intact, with all that the log and the checkpoint cover", async (context) => {
  const store = await tamperedStore(context);
  assert.deepEqual(await verify(store.database.url), {
    intact: true,
    events: PLACES,
    headPosition: PLACES,
    faultCount: 0,
    faults: [],
    indexedEvents: PLACES - 1,
    coveredEvents: PLACES - 1,
    erasedEvents: 0,
    removedEvents: 0,
  });
  assert.deepEqual(
    await store.checked({ checkpoint: { name: "kept", note: store.note }, verifier: store.signer.verifier }),
    [],
  );
});

test("a chain and its head rewritten together: the log tells", async (context) => {
  const store = await tamperedStore(context);
  await store.damage(`UPDATE audit_events SET actor_id = 'nobody' WHERE ${at(3)}`);
  await rewriteChain(store.admin, 3);
  assert.deepEqual(
    await store.verified(),
    [3, 4, 5, 6, 7].map((position) => `log_entry@${position}`),
  );
  assert.deepEqual(await store.checked(), ["log.pending_hash@7", ...[3, 4, 5, 6].map((place) => `log.entry@${place}`)]);
  const { indexedEvents, faults } = await verify(store.database.url);
  assert.equal(indexedEvents, 2);
  assert.equal(faults[0]?.eventId, eventId(1, 3));
  assert.equal(faults[0]?.description, "the entry at index 4 of the log is a commitment to another event");
});
