// What a superuser of the database can store that no service ever does: the checks end, and name it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { VerifyChainResponseSchema } from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { toVerifyChainResponse } from "../../src/integrity/messages.ts";
import { eventId } from "../fsck/append_chains.ts";
import { check } from "../fsck/damaged_store.ts";
import { tamperedStore, told, verify } from "./tampered_store.ts";

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
    const { found } = await check(store.database.url);
    assert.match(
      found.map(({ check, kind, position, name }) => `${check}.${kind}@${position ?? name ?? ""}`).join(" "),
      checked,
    );
    assert.ok(found.length < 50, `${found.length} faults`);
  });
}
