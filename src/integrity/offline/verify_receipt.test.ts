import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type EventObject,
  erased,
  logOf,
  logSigners,
  ORIGIN,
  receiptOf,
  removed,
} from "../../../test/support/bundle.ts";
import { canonicalText, type JsonObject } from "../canonical.ts";
import { privateKeyOf } from "../note/keys.ts";
import { cosigner, parseNote } from "../note/signed_note.ts";
import { Flaw } from "./flaw.ts";
import { verifyReceipt } from "./verify_receipt.ts";

const LOG = logOf(Array.from({ length: 11 }, (_, index) => ({ correlation: `rr-${index % 2}`, data: { index } })));
const KEYS = [logSigners().log.verifier];
const RECEIPT = receiptOf(LOG, 6);
const EVENT = LOG[6] as EventObject;

function flawOf(text: string, event?: object): string {
  try {
    verifyReceipt(text, { keys: KEYS, ...(event && { event: { file: "event.json", text: JSON.stringify(event) } }) });
  } catch (error) {
    assert.ok(error instanceof Flaw, String(error));
    return error.message;
  }
  return assert.fail("it was found to be right");
}

test("every event's receipt proves its place, by the key that was given", () => {
  for (const [index, event] of LOG.entries()) {
    const report = verifyReceipt(receiptOf(LOG, index), { keys: KEYS });
    assert.deepEqual([report.vouched, report.logIndex, report.event], [true, index, "not given"]);
    assert.deepEqual(
      [report.eventId, report.eventHash, report.correlationId, report.chainPosition],
      [event["event_id"], event["event_hash"], event["correlation_id"], event["chain_position"]],
    );
    assert.deepEqual(
      report.checkpoint.keys.map(({ purpose, given }) => [purpose, given]),
      [["log", true]],
    );
    assert.deepEqual(report.checkpoint.unchecked, [`${ORIGIN}/cosigner`]);
  }
});

test("without a key no signature is checked", () => {
  const { vouched, checkpoint } = verifyReceipt(RECEIPT, { keys: [] });
  assert.deepEqual([vouched, checkpoint.keys, checkpoint.unchecked], [false, [], [ORIGIN, `${ORIGIN}/cosigner`]]);
});

test("a key that did not sign the checkpoint proves nothing", () => {
  assert.throws(() => verifyReceipt(RECEIPT, { keys: [logSigners(8).log.verifier] }), /no signature by a known key/);
  assert.throws(
    () => verifyReceipt(RECEIPT, { keys: [logSigners().exporter.verifier] }),
    /no signature by a known key/,
  );
});

test("a witness vouches where no key of the log was given, and not where one was that signed nothing", () => {
  const witness = cosigner("witness.example/w1", privateKeyOf(Buffer.alloc(32, 9)), () => 1_790_000_005);
  const note = RECEIPT.slice(RECEIPT.indexOf("\n\n") + 2);
  const { name, keyId, bytes } = witness.sign(parseNote(note).text);
  const cosigned = `${RECEIPT}— ${name} ${Buffer.concat([keyId, bytes]).toString("base64")}\n`;
  assert.equal(verifyReceipt(cosigned, { keys: [witness.verifier] }).vouched, true);
  assert.throws(
    () => verifyReceipt(cosigned, { keys: [witness.verifier, logSigners(8).log.verifier] }),
    /^Flaw: a witness and none of the log's keys that were given signed it$/,
  );
});

test("the event itself is held against the receipt, whole or with its payload erased", () => {
  for (const [line, kind] of [
    [EVENT, "whole"],
    [erased(EVENT), "erased"],
  ] as const) {
    const event = { file: "event.json", text: `${JSON.stringify(line)}\n` };
    assert.equal(verifyReceipt(RECEIPT, { keys: KEYS, event }).event, kind);
  }
  assert.match(
    flawOf(RECEIPT, { ...EVENT, actor_id: "other" }),
    /^event\.json: event \S+ \(log_index 6\): event_hash does not follow/,
  );
  assert.match(flawOf(RECEIPT, LOG[5]), /event_id is \S+, and \S+ in the receipt/);
  assert.match(flawOf(RECEIPT, removed(EVENT)), /is a removed event/);
});

test("a changed character of a receipt is found, save in the names of what its hash stands for", () => {
  const named = ["event_id", "correlation_id"];
  fc.assert(
    fc.property(fc.integer({ min: 0, max: RECEIPT.length - 1 }), fc.constantFrom(..."0aZ+/=\n x"), (at, character) => {
      fc.pre(RECEIPT[at] !== character);
      const text = RECEIPT.slice(0, at) + character + RECEIPT.slice(at + 1);
      try {
        const report = verifyReceipt(text, { keys: KEYS });
        const extra = [RECEIPT, text].map((receipt) => openingOf(receipt));
        const others = Object.keys(extra[0] as object).filter((name) => !named.includes(name));
        if (text.split("\n")[1] === RECEIPT.split("\n")[1]) assert.ok(isOtherKeyLine(at), `${report.eventId} at ${at}`);
        else
          assert.deepEqual(
            others.map((name) => extra[1]?.[name]),
            others.map((name) => extra[0]?.[name]),
          );
      } catch (error) {
        assert.ok(error instanceof Flaw, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

function openingOf(receipt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from((receipt.split("\n")[1] as string).slice(6), "base64").toString()) as Record<
    string,
    unknown
  >;
}

/** Signatures of keys that are not known say nothing. */
function isOtherKeyLine(at: number): boolean {
  return RECEIPT.slice(0, at).split("\n").length >= RECEIPT.trimEnd().split("\n").length;
}

test("what is no receipt, or does not open its entry, is told so", () => {
  assert.match(flawOf("c2sp.org/tlog-proof@v2\n"), /^receipt: a proof begins with/);
  const [first, , ...rest] = RECEIPT.split("\n");
  assert.match(flawOf([first, ...rest].join("\n")), /extra does not lead from an event to its entry/);
  const opened = (opening: object) => {
    const extra = Buffer.from(canonicalText(opening as JsonObject)).toString("base64");
    return [first, `extra ${extra}`, ...rest].join("\n");
  };
  const opening = openingOf(RECEIPT);
  assert.match(flawOf(opened({ ...opening, form: "other" })), /extra does not lead/);
  assert.match(flawOf(opened({ ...opening, note: 1 })), /extra does not lead/);
  assert.match(
    flawOf(opened({ ...opening, log_salt: "0".repeat(64) })),
    /the inclusion proof does not lead from the entry to the root/,
  );
});
