import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type BundleFile,
  bundleFiles,
  type EventObject,
  erased,
  logOf,
  removed,
  sealed,
} from "../../../test/support/bundle.ts";
import { at, changed, flawOf, LOG, ofLog, resealed, verified } from "../../../test/support/bundle_checks.ts";
import type { Json, JsonObject } from "../canonical.ts";
import { entryOf } from "../entry.ts";

describe("damage", () => {
  test("a changed byte of any file is found; in a line of an event, the event is named", async () => {
    const lines = LOG.map((line, index) => (index === 4 ? erased(line) : index === 7 ? removed(line) : line)).filter(
      (_, index) => index % 6 !== 5,
    );
    const files = ofLog({ lines, partLines: 6 });
    const bytes = files.flatMap(({ content }, file) => Array.from(content, (_, offset) => [file, offset] as const));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...bytes), fc.integer({ min: 1, max: 255 }), async ([which, offset], mask) => {
        const { name, content } = files[which] as BundleFile;
        const damaged = Buffer.from(content);
        damaged[offset] = (damaged[offset] as number) ^ mask;
        const flaw = await flawOf(
          verified(
            files.map((file, index) => (index === which ? { name, content: damaged } : file)),
            [],
          ),
        );
        if (!name.startsWith("events-")) return;
        assert.equal(flaw.place.file, name, flaw.message);
        const line = content.subarray(0, offset).toString("latin1").split("\n").length;
        if (meansTheSame(content, damaged, line)) return;
        assert.equal(flaw.place.line, line, flaw.message);
        const { event_id: id, log_index: index } = JSON.parse(
          content.toString().split("\n")[line - 1] as string,
        ) as EventObject;
        const { eventId, logIndex } = flaw.place;
        if (eventId !== undefined || logIndex !== undefined)
          assert.ok(eventId === id || logIndex === index, flaw.message);
      }),
      { numRuns: 250 },
    );
  });

  /** A line may be written in another way, or about a removed event of another correlation: then only its file is named. */
  function meansTheSame(before: Buffer, after: Buffer, line: number): boolean {
    const [old, now] = [before, after].map((bytes) => bytes.toString("latin1").split("\n")[line - 1] as string);
    try {
      const [one, other] = [JSON.parse(old as string), JSON.parse(now as string)] as [EventObject, EventObject];
      if (one["removed"] === true)
        return Object.keys(one).every((name) => name === "correlation_id" || one[name] === other[name]);
      assert.deepEqual(other, one);
      return true;
    } catch {
      return false;
    }
  }

  test("every member of a line is held against the rest, whatever the manifest says", async () => {
    for (const kind of [(line: EventObject) => line, erased, removed]) {
      const lines = LOG.map(kind);
      const files = ofLog({ lines });
      for (const [name, value] of Object.entries(lines[5] as EventObject)) {
        if (kind === removed && name === "correlation_id") continue;
        const other = { ...lines[5], [name]: anotherValue(value) } as EventObject;
        const flaw = await flawOf(verified(resealed(files, 5, () => other)));
        assert.deepEqual([flaw.place.file, flaw.place.line], ["events-000001.jsonl", 6], `${name}: ${flaw.message}`);
      }
    }
  });

  function anotherValue(value: Json): Json {
    if (typeof value === "number") return value + 1;
    if (typeof value === "boolean") return !value;
    if (typeof value !== "string") return { other: true };
    return /^[0-9a-f]{32,}$/.test(value)
      ? createHash("sha256").update(value).digest("hex").slice(0, value.length)
      : `${value}x`;
  }

  test("a line that was rewritten with all its hashes breaks its chain, or the tree", async () => {
    const other = logOf(
      LOG.map(({ correlation_id: id }, index) => ({ correlation: id as string, data: { forged: index } })),
    );
    const forged = (index: number) => () => other[index] as EventObject;
    const middle = await flawOf(verified(resealed(ofLog(), 2, forged(2))));
    assert.match(
      middle.message,
      /^events-000001\.jsonl:6: event 019a3c5e-\S+ \(log_index 5\): previous_event_hash is not the event_hash/,
    );
    const all = sealed(
      bundleFiles(other).map((file) => (file.name === "checkpoint" ? (ofLog()[1] as BundleFile) : file)),
    );
    assert.match((await flawOf(verified(all))).message, /do not give the root of the checkpoint/);
  });

  const lineChanges: readonly (readonly [string, (line: EventObject) => JsonObject, RegExp])[] = [
    ["a member that nothing proves", (line) => ({ ...line, note: "x" }), /the member "note" cannot stand here/],
    ["a missing member", ({ actor_id: _, ...line }) => line, /actor_id is missing/],
    ["a number as text", (line) => ({ ...line, log_index: "2" }), /log_index must be a whole number/],
    ["a payload that is no object", (line) => ({ ...line, event_data: [] }), /event_data must be an object/],
    ["a payload with a lone surrogate", (line) => ({ ...line, event_data: { a: "\ud800" } }), /has no RFC 8785 form/],
    [
      "both payload and digest",
      (line) => ({ ...line, event_data_digest: line["event_hash"] as string }),
      /"(event_data|salt)" cannot stand here/,
    ],
    ["an index that is taken", (line) => ({ ...line, log_index: 1 }), /log_index must be 2 or more here/],
    [
      "an index that leaves a hole",
      (line) => ({ ...line, log_index: 3 }),
      /entries 2 to 2 are not in the bundle, and no line of proof-000001\.jsonl covers them/,
    ],
    [
      "an index beyond the log",
      (line) => ({ ...line, log_index: 20 }),
      /beyond the checkpoint, which covers 20 entries/,
    ],
  ];
  for (const [name, change, text] of lineChanges) {
    test(`${name} is refused`, async () => {
      const flaw = await flawOf(verified(resealed(ofLog(), 2, change)));
      assert.match(flaw.message, text);
      assert.deepEqual([flaw.place.file, flaw.place.line], ["events-000001.jsonl", 3]);
    });
  }

  test("places of a chain rise, and only the first has no previous hash", async () => {
    const replaced = (index: number, change: JsonObject) => {
      const line = { ...(LOG[index] as EventObject), ...change };
      const entry = entryOf(line["log_salt"] as string, line["chain_position"] as number, line["event_hash"] as string);
      return resealed(ofLog(), index, () => ({ ...line, entry }));
    };
    assert.match(
      (await flawOf(verified(replaced(6, { chain_position: 2 })))).message,
      /chain_position is 2, and an earlier event of the correlation has 2/,
    );
    assert.match(
      (await flawOf(verified(replaced(3, { chain_position: 1 })))).message,
      /chain_position is 1, and an earlier/,
    );
    assert.match(
      (await flawOf(verified(replaced(0, { chain_position: 2 })))).message,
      /previous_event_hash is missing: only the first/,
    );
    const late = sealed(ofLog({ lines: LOG.slice(3) }));
    const first = changed(late, "events-000001.jsonl", (text) => {
      const [json = "", ...rest] = text.split("\n");
      const line = { ...(JSON.parse(json) as EventObject), chain_position: 1 } as EventObject;
      const entry = entryOf(line["log_salt"] as string, 1, line["event_hash"] as string);
      return [JSON.stringify({ ...line, entry }), ...rest].join("\n");
    });
    assert.match(
      (await flawOf(verified(sealed(first)))).message,
      /previous_event_hash is there: the first event of a chain has none/,
    );
  });

  test("bytes that are no text, and lines without an end, are refused", async () => {
    const bytes = (change: (content: Buffer) => Buffer) =>
      sealed(
        ofLog({ lines: LOG.slice(0, 3) }).map(({ name, content }) => ({
          name,
          content: name === "events-000001.jsonl" ? change(content) : content,
        })),
      );
    const spoilt = bytes((content) => {
      const copy = Buffer.from(content);
      copy.write("\xff", copy.indexOf('"gateway"') + 2, "latin1");
      return copy;
    });
    assert.match((await flawOf(verified(spoilt))).message, /^events-000001\.jsonl:1: the line is no UTF-8/);
    const long = bytes((content) => Buffer.from(content.toString().replace("gateway", "x".repeat(4 * 1024 * 1024))));
    assert.match(
      (await flawOf(verified(long))).message,
      /^events-000001\.jsonl:1: the line is longer than 4194304 bytes/,
    );
  });

  test("a whole correlation has no gap, and no other correlation in it", async () => {
    const own = LOG.filter(({ correlation_id: id }) => id === "rr-1");
    const filter = { correlation_id: "rr-1" };
    const hole = await flawOf(verified(ofLog({ lines: own.filter((_, index) => index !== 2), filter })));
    assert.match(
      hole.message,
      /^events-000001\.jsonl:3: event \S+ \(log_index 10\): chain_position is 4 where 3 must stand/,
    );
    assert.match(
      (await flawOf(verified(ofLog({ lines: own.slice(1), filter })))).message,
      /chain_position is 2 where 1 must stand/,
    );
    assert.match((await flawOf(verified(ofLog({ filter })))).message, /events of others are in the bundle/);
    const other = ofLog({ lines: own, filter: { correlation_id: "rr-9" } });
    assert.match((await flawOf(verified(other))).message, /events of others are in the bundle/);
  });
});

describe("proofs", () => {
  const some = () => ofLog({ lines: at(3, 4, 9), partLines: 2 });
  const changes: readonly (readonly [string, string, (text: string) => string, RegExp])[] = [
    [
      "a line left out",
      "proof-000001.jsonl",
      () => "",
      /event \S+ \(log_index 3\): entries 0 to 2 are not in the bundle, and no line of proof-000001/,
    ],
    ["a line too many", "proof-000001.jsonl", (text) => text + text, /^proof-000001\.jsonl:2: covers no gap/],
    [
      "the end left out",
      "proof-tail.jsonl",
      () => "",
      /entries 10 to 19 are not in the bundle, and no line of proof-tail/,
    ],
    [
      "another range",
      "proof-000002.jsonl",
      (text) => text.replace('"first":5', '"first":6'),
      /\(log_index 9\): .*proof-000002\.jsonl:1 covers 6 to 8/,
    ],
    [
      "a hash too few",
      "proof-tail.jsonl",
      (text) => text.replace(/,"[^"]+"\]/, "]"),
      /^proof-tail\.jsonl:1: has 2 hashes: 3 subtrees cover entries 10 to 19/,
    ],
    [
      "another hash",
      "proof-tail.jsonl",
      (text) => text.replace(/"[^"]{44}"/, `"${Buffer.alloc(32).toString("base64")}"`),
      /do not give the root/,
    ],
    [
      "no hash",
      "proof-tail.jsonl",
      (text) => text.replace(/"[^"]{44}"/, "1"),
      /^proof-tail\.jsonl:1: hashes\[0\] must be 32 bytes in base64/,
    ],
    ["no JSON", "proof-tail.jsonl", () => "x\n", /^proof-tail\.jsonl:1: is no JSON/],
    [
      "no end of the line",
      "proof-tail.jsonl",
      (text) => text.trimEnd(),
      /^proof-tail\.jsonl:1: the line does not end in a line feed/,
    ],
  ];
  for (const [name, file, change, text] of changes) {
    test(`${name} is found, whatever the manifest says`, async () => {
      assert.match((await flawOf(verified(sealed(changed(some(), file, change))))).message, text);
    });
  }
});

describe("the manifest", () => {
  const changes: readonly (readonly [JsonObject, RegExp])[] = [
    [{ events: 21 }, /events is 21, and 20 in the archive/],
    [{ removed: 1 }, /removed is 1, and 0 in the archive/],
    [{ first_log_index: 1 }, /first_log_index is 1, and 0 in the archive/],
    [{ last_log_index: 18 }, /last_log_index is 18, and 19/],
    [{ tree_size: 21 }, /tree_size is 21, and 20 by the checkpoint/],
    [{ root: "0".repeat(64) }, /root is 0+, and \S+ by the checkpoint/],
    [{ origin: "other.example", verifier_keys: [] }, /no signature by a known key/],
    [{ form: "kubernaut.audit.bundle/v2" }, /form must be "kubernaut.audit.bundle\/v1"/],
    [{ files: [] }, /^README\.txt: is not files\[0\] of manifest\.json/],
    [{ more: 1 }, /the member "more" cannot stand here/],
  ];
  for (const [change, text] of changes) {
    test(`with another ${Object.keys(change)[0]} is refused`, async () => {
      assert.match((await flawOf(verified(sealed(ofLog(), {}, change)))).message, text);
    });
  }

  test("lists each file as it is, and no other", async () => {
    const files = (JSON.parse(ofLog().at(-2)?.content.toString() ?? "") as { files: JsonObject[] }).files;
    const more = [...files, { name: "more", size: 0, sha256: "0".repeat(64) }];
    assert.match(
      (await flawOf(verified(sealed(ofLog(), {}, { files: more })))).message,
      /lists "more", which the archive does not have/,
    );
    const larger = files.with(1, { ...files[1], size: 1 });
    assert.match(
      (await flawOf(verified(sealed(ofLog(), {}, { files: larger })))).message,
      /^checkpoint: has \d+ bytes, and 1 by manifest\.json/,
    );
  });

  test("must be written as RFC 8785 says", async () => {
    const files = changed(ofLog(), "manifest.json", (text) => `${text} `);
    assert.match((await flawOf(verified(files))).message, /^manifest\.json: is not in its RFC 8785 form/);
  });

  test("that was changed is not the one that was signed", async () => {
    const files = changed(ofLog(), "manifest.json", (text) => text.replace('"events":20', '"events":19'));
    assert.match((await flawOf(verified(files))).message, /^manifest\.note: is not about this manifest\.json/);
  });
});
