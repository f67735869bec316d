// What a superuser of the database can store that no service ever does: the checks end, and name it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { VerifyChainResponseSchema } from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { toVerifyChainResponse } from "../../src/integrity/messages.ts";
import { eventId } from "../fsck/append_chains.ts";
import { check } from "../fsck/damaged_store.ts";
import { PLACES, tamperedStore, told, verify } from "./tampered_store.ts";

const LAST = "9223372036854775807";
const BEYOND = "4611686018427387904";
const EVENT = `event_id = '${eventId(1, 3)}'`;

const CASES: readonly { name: string; damage: readonly string[]; verified: RegExp; checked: RegExp }[] = [
  {
    name: "an event at the last place that can be stored",
    damage: [`UPDATE audit_events SET chain_position = ${LAST} WHERE ${EVENT}`],
    verified: /^missing@3 missing@8 /,
    checked: /chains\.gap@/,
  },
  {
    name: "an event before the first place",
    damage: [
      "ALTER TABLE audit_events DROP CONSTRAINT audit_events_chain",
      `UPDATE audit_events SET chain_position = 0 WHERE ${EVENT}`,
    ],
    verified: /^missing@0 not_in_log@0 previous_hash@1 missing@3$/,
    checked: /chains\.gap@0 chains\.previous_hash@1 chains\.gap@4/,
  },
  {
    name: "tiles and bundles before the first",
    damage: [
      "INSERT INTO audit_log_tiles VALUES (0, -7, sha256(''))",
      "INSERT INTO audit_log_entries VALUES (-4, sha256(''))",
    ],
    verified: /^$/,
    checked: /^log\.width@tile 0\/-7 log\.width@bundle -4$/,
  },
  {
    name: "a run from the last place that can be stored",
    damage: [`UPDATE audit_log_runs SET first_position = ${LAST} WHERE correlation_id = 'rr-1' AND first_position = 1`],
    verified: /^not_in_log@1 /,
    checked: /log\.not_in_log@1 /,
  },
  {
    name: "what waits at the last place that can be stored",
    damage: [`UPDATE audit_log_pending SET first_position = ${LAST} WHERE correlation_id = 'rr-1'`],
    verified: /not_in_log@7 /,
    checked: /log\.not_in_log@7 /,
  },
  {
    name: "a run that claims two thousand million places",
    damage: ["UPDATE audit_log_runs SET event_count = 2000000000 WHERE first_log_index = 0"],
    verified: /^log_entry@2 .*missing@8 /,
    checked: /log\.beyond_size@\d .*log\.two_runs@/,
  },
  {
    name: "a head at the last place that can be stored",
    damage: [`UPDATE audit_chain_heads SET chain_position = ${LAST} WHERE correlation_id = 'rr-1'`],
    verified: /^missing@8/,
    checked: /heads\.head_position@7 .*log\.not_in_log@8/,
  },
  {
    name: "a log that claims more entries than can be",
    damage: [`UPDATE audit_log_state SET size = ${BEYOND}`],
    verified: /^$/,
    checked: /log\.no_run@.* log\.no_entry@indexes 256 to .* log\.no_tile@tile 0\/1 and those behind it log\.root@/,
  },
  {
    name: "a log of the largest size with a run at its end",
    damage: [
      `UPDATE audit_log_state SET size = ${LAST}`,
      `UPDATE audit_log_runs SET first_log_index = ${LAST} - 1, event_count = 2147483647
       WHERE first_log_index = (SELECT max(first_log_index) FROM audit_log_runs)`,
    ],
    verified: /^$/,
    checked: /log\.no_run@/,
  },
];

for (const { name, damage, verified, checked } of CASES) {
  test(name, { timeout: 30_000 }, async (context) => {
    const store = await tamperedStore(context);
    await store.damage(...damage);
    const report = await verify(store.database.url);
    assert.match(told(report).join(" "), verified);
    toBinary(VerifyChainResponseSchema, toVerifyChainResponse(report, "verification-1"));
    for (const { description } of report.faults)
      assert.doesNotMatch(description, /undefined|NaN|[0-9a-f]{64}.*[0-9a-f]{64}/);
    const { found, lines } = await check(store.database.url);
    for (const line of lines) assert.doesNotMatch(line, /undefined|NaN/);
    assert.match(
      found.map(({ check, kind, position, name }) => `${check}.${kind}@${position ?? name ?? ""}`).join(" "),
      checked,
    );
    assert.ok(found.length < 50, `${found.length} faults`);
  });
}

test("the hash that the last event should have is never told", async (context) => {
  const store = await tamperedStore(context);
  const last = `event_id = '${eventId(1, PLACES)}'`;
  const [before] = await store.admin.unsafe(`SELECT event_hash FROM audit_events WHERE ${last}`);
  await store.damage(`UPDATE audit_events SET event_hash = repeat('0', 64) WHERE ${last}`);
  const report = await verify(store.database.url);
  assert.deepEqual(told(report), ["event_hash@7", "log_entry@7", "head@7"]);
  assert.ok(!JSON.stringify(report).includes(before?.["event_hash"]));
});
