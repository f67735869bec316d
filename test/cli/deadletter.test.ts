// What a user of `datastorage deadletter` sees.
import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { JsonObject } from "@bufbuild/protobuf";
import { width } from "../../src/cli/text.ts";
import { encodeEntry } from "../../src/deadletter/entry.ts";
import { accept, refuse } from "../support/drain_site.ts";
import { openLettersSite } from "../support/letters_site.ts";
import { preparedEvent } from "../support/prepared_event.ts";
import { datastorage } from "./datastorage.ts";

const linesOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject);

test("deadletter list, replay, discard and status", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const call = (...args: string[]) => datastorage(["deadletter", ...args, "--address", site.address]);
  assert.deepEqual(await call("list"), { code: 0, stdout: "", stderr: "no dead letters match\n" });

  const poison = preparedEvent({ error_code: "poison", correlation_id: "rr-poison", event_data: '{"n":1}' });
  const first = await site.bury(poison);
  const second = await site.bury(preparedEvent({ correlation_id: "rr-fine" }), {}, "notifications");
  const third = await site.bury(preparedEvent({ correlation_id: "rr-other" }), { reason: "conflict" });
  const whole = await site.buryWhole({ payload: "\u001b[2Jno JSON" }, "\u001b[2Jits payload is no JSON");
  await refuse(site.admin, "poison");

  await t.test("list: a table, oldest first, that fits the terminal and tells the error", async () => {
    const { code, stdout } = await call("list");
    assert.equal(code, 0);
    const [heading = "", ...rows] = stdout.trimEnd().split("\n");
    assert.match(heading, /^ID +REASON +SINCE \(UTC\) +TRIES +TYPE +CORRELATION +EVENT ID +ERROR$/);
    assert.deepEqual(
      rows.map((row) => row.split(" ")[0]),
      [first, second, third, whole],
    );
    assert.match(rows[0] ?? "", /refused +2026-05-13 21:26:00 +5 +gateway\.signal\.received +rr-poison/);
    assert.match(rows[0] ?? "", /SQLSTATE 23514/);
    const narrow = await datastorage(["deadletter", "list", "--address", site.address], { columns: 80 });
    for (const line of narrow.stdout.split("\n")) assert.ok(width(stripVTControlCharacters(line)) <= 80, line);
    assert.ok(!/\p{Cc}/u.test(stdout.replaceAll("\n", "")), "no control codes");
  });

  await t.test("list --json: a line for each letter, with the event as list prints it; filters", async () => {
    const { stdout } = await call("list", "--json", "--reason", "refused", "--stream", "events");
    const [letter, none] = linesOf(stdout);
    assert.equal(none, undefined);
    assert.deepEqual([letter?.["id"], letter?.["reason"], letter?.["tries"]], [first, "DEAD_LETTER_REASON_REFUSED", 5]);
    const event = letter?.["event"] as JsonObject;
    assert.deepEqual([event["event_id"], event["event_data"]], [poison.eventId, { n: 1 }]);
    const [undecodable] = linesOf((await call("list", "--json", "--reason", "undecodable")).stdout);
    assert.deepEqual(undecodable?.["raw"], { text: "\u001b[2Jno JSON", bytes: "11" });
    const { stdout: own } = await call("list", "--json", "--correlation-id", "rr-fine");
    assert.deepEqual(
      linesOf(own).map((one) => one["id"]),
      [second],
    );
    const limited = await call("list", "--limit", "1");
    assert.equal(limited.stderr, "There may be more: --limit N or --all shows them.\n");
  });

  await t.test("replay: what stays is named, and the exit code says so", async () => {
    const { code, stdout } = await call("replay", first, "events/999999");
    assert.equal(code, 3);
    const lines = stdout.split("\n");
    assert.match(lines[0] ?? "", new RegExp(`^${first}: rejected: `));
    assert.equal(lines[1], "events/999999: not found");
    assert.equal(lines[2], "2 letters: 1 rejected, 1 not found");
    assert.equal((await call("replay", "events/999999")).code, 4);
  });

  await t.test("replay --all with a filter: those that match alone", async () => {
    await accept(site.admin, "poison");
    const { code, stdout } = await call("replay", "--all", "--reason", "refused");
    assert.deepEqual([code, stdout], [0, "2 letters: 2 recorded\n"]);
    const { stdout: left } = await call("list", "--json");
    assert.deepEqual(
      linesOf(left).map((one) => one["id"]),
      [third, whole],
    );
    assert.equal((await call("replay", "--all", "--reason", "refused")).stderr, "no dead letters match\n");
  });

  await t.test("discard: needs a reason, and says how many", async () => {
    const without = await call("discard", "--all");
    assert.equal(without.code, 2);
    assert.match(without.stderr, /--reason TEXT is missing/);
    const one = await call("discard", "--all", "--letter-reason", "conflict", "--reason", "a test", "--json");
    assert.deepEqual(
      linesOf(one.stdout).map((result) => [result["id"], result["outcome"]]),
      [[third, "DISCARD_OUTCOME_DISCARDED"]],
    );
    const rest = await call("discard", "--all", "--reason", "a test");
    assert.deepEqual([rest.code, rest.stdout], [0, "1 letter: 1 discarded\n"]);
  });

  await t.test("status: what waits, and who has it", async () => {
    const fields = encodeEntry([preparedEvent()], new Date(Date.now() - 120_000).toISOString(), "away");
    await site.open.store.add([{ stream: "events", fields }]);
    await site.open.store.read("test", "events", 10);
    const { code, stdout } = await call("status");
    assert.equal(code, 0);
    assert.match(stdout, /^Queue +available\nDatabase +available\nBreaker +closed\nDrained by +test\n/);
    assert.match(stdout, /\n {2}waiting {6}█░{19} 1 of 1,000 entries, .* of 64 MiB; the oldest waits for 2m0\ds\n/);
    assert.match(stdout, new RegExp(`\n {2}taken by +${site.open.store.consumer}: 1 entry, idle for `));
    assert.match(stdout, /\n {2}dead letters ░{20} 0 of 1,000, 0 bytes of 64 MiB/);
    const json = JSON.parse((await call("status", "--json")).stdout) as JsonObject;
    assert.deepEqual(json["queue"], { state: "STORE_STATE_AVAILABLE" });
  });
});

test("deadletter: wrong usage is told before anything is asked", async () => {
  const nobody = ["--address", "127.0.0.1:1"];
  for (const [args, told] of [
    [["replay"], /ID is missing/],
    [["replay", "nonsense"], /ID must be one that deadletter list shows/],
    [["replay", "events/1", "--all"], /and not both/],
    [["replay", "events/1", "--stream", "events"], /--stream goes with --all/],
    [["list", "--reason", "poison"], /--reason must be one of refused, conflict, undecodable/],
    [["discard", "events/1", "--reason", " "], /--reason TEXT is missing/],
    [["lst"], /"deadletter lst" is no command; did you mean deadletter list\?/],
  ] as const) {
    const { code, stderr } = await datastorage(["deadletter", ...args, ...nobody]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, told);
  }
});

test("deadletter alone, and help, tell its commands; help of one tells its flags", async () => {
  for (const args of [["deadletter"], ["deadletter", "--help"], ["help", "deadletter"]]) {
    const { code, stdout } = await datastorage(args);
    assert.equal(code, 0);
    for (const name of ["status", "list", "replay", "discard"]) assert.match(stdout, new RegExp(`deadletter ${name} `));
    assert.ok(!stdout.includes("timeline"));
  }
  for (const args of [
    ["help", "deadletter", "discard"],
    ["deadletter", "discard", "--help"],
  ]) {
    assert.match((await datastorage(args)).stdout, /^Usage: datastorage deadletter discard ID… \[flags\]\n/);
  }
});
