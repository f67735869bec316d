import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { pack } from "tar-stream";
import {
  type BundleChoices,
  type BundleFile,
  bundleFiles,
  type EventObject,
  erased,
  logOf,
  logSigners,
  ORIGIN,
  packed,
  removed,
  sealed,
} from "../../../test/support/bundle.ts";
import type { Json, JsonObject } from "../canonical.ts";
import { entryOf } from "../entry.ts";
import { privateKeyOf } from "../note/keys.ts";
import { cosigner, type Verifier } from "../note/signed_note.ts";
import { Flaw } from "./flaw.ts";
import type { BundleReport } from "./report.ts";
import { verifyBundle } from "./verify_bundle.ts";

const DATA: readonly JsonObject[] = [
  {},
  { fingerprint: "9d0f", occurrence_count: 1 },
  { b: [1e21, 1e-7, 0.1, -0, 5e-324, 333333333.3333333], a: { "10": null, "9": true, é: "\u{1f600}\u007f\u2028" } },
  { text: 'quote " backslash \\ control \u0001 slash /', "": [[], {}] },
];

/** Twenty events of three correlations, taking turns. */
const LOG = logOf(
  Array.from({ length: 20 }, (_, index) => ({
    correlation: `rr-${index % 3}`,
    data: DATA[index % DATA.length] as JsonObject,
    ...(index % 4 === 1 && {
      more: { error_message: "no such pod é", error_code: "E1", severity: "high", duration_ms: 12 },
    }),
  })),
);
const SIGNERS = logSigners();
const LOG_KEY = SIGNERS.log.verifier;

async function* inChunks(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function verified(files: readonly BundleFile[], keys: readonly Verifier[] = [LOG_KEY]): Promise<BundleReport> {
  return verifyBundle(inChunks(await packed(files)), { keys });
}

const ofLog = (choices: BundleChoices = {}) => bundleFiles(LOG, choices);
const at = (...indexes: readonly number[]) => indexes.map((index) => LOG[index] as EventObject);

/** The files with one of them changed, and nothing else. */
function changed(files: readonly BundleFile[], name: string, change: (text: string) => string): BundleFile[] {
  assert.ok(files.some((file) => file.name === name));
  return files.map((file) =>
    file.name === name ? { name, content: Buffer.from(change(file.content.toString())) } : file,
  );
}

/** The files with a line of a part changed, and all of it signed anew: what only the holder of the keys can do. */
function resealed(
  files: readonly BundleFile[],
  line: number,
  change: (event: EventObject) => JsonObject,
): BundleFile[] {
  return sealed(
    changed(files, "events-000001.jsonl", (text) =>
      text
        .split("\n")
        .map((json, index) => (index === line ? JSON.stringify(change(JSON.parse(json) as EventObject)) : json))
        .join("\n"),
    ),
  );
}

async function flawOf(promise: Promise<unknown>): Promise<Flaw> {
  const error = await promise.then(
    () => assert.fail("it was found to be right"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Flaw, String((error as Error).stack));
  return error;
}

describe("a bundle that is right", () => {
  test("says what was proven, by which key", async () => {
    const report = await verified(ofLog());
    assert.equal(report.vouched, true);
    assert.deepEqual(
      [report.events, report.erased, report.removed, report.correlations, report.links],
      [20, 0, 0, 3, 20],
    );
    assert.deepEqual([report.firstLogIndex, report.lastLogIndex, report.checkpoint.size], [0, 19, 20]);
    assert.deepEqual(report.checkpoint.keys, [
      { verifierKey: LOG_KEY.verifierKey, name: ORIGIN, purpose: "log", given: true },
      {
        verifierKey: SIGNERS.cosigner.verifier.verifierKey,
        name: `${ORIGIN}/cosigner`,
        purpose: "cosigner",
        given: false,
        cosignedAt: 1_790_000_000,
      },
    ]);
    assert.deepEqual(
      report.manifestKeys.map(({ purpose, given }) => [purpose, given]),
      [["export", false]],
    );
    assert.deepEqual([report.wholeCorrelation, report.unusedKeys, report.checkpoint.unchecked], [undefined, [], []]);
  });

  const choices: readonly (readonly [string, BundleChoices])[] = [
    ["in several parts", { partLines: 3 }],
    ["with gaps at the beginning, in the middle and at the end", { lines: at(3, 4, 9, 15), partLines: 2 }],
    ["of the first event alone", { lines: at(0) }],
    ["of the last event alone", { lines: at(19) }],
    ["without an event", { lines: [] }],
    [
      "of one correlation",
      { lines: LOG.filter(({ correlation_id: id }) => id === "rr-2"), filter: { correlationId: "rr-2" } },
    ],
    ["with erased payloads", { lines: LOG.map((line, index) => (index % 2 === 0 ? line : erased(line))) }],
    [
      "with removed events",
      { lines: LOG.map((line, index) => (index % 5 === 0 ? removed(line) : line)), partLines: 4 },
    ],
  ];
  for (const [name, chosen] of choices) {
    test(name, async () => {
      const lines = chosen.lines ?? LOG;
      const { events, erased: erasedEvents, removed: removedEvents, vouched } = await verified(ofLog(chosen));
      const gone = lines.filter((line) => line["removed"] === true).length;
      const blank = lines.filter((line) => Object.hasOwn(line, "event_data_digest")).length;
      assert.deepEqual(
        [events, erasedEvents, removedEvents, vouched],
        [lines.length - gone - blank, blank, gone, true],
      );
    });
  }

  test("of an empty log", async () => {
    const report = await verified(bundleFiles([]));
    assert.deepEqual([report.events, report.checkpoint.size, report.firstLogIndex], [0, 0, undefined]);
  });

  test("whatever was chosen of a log, however it is cut into parts and chunks", async () => {
    const log = logOf(Array.from({ length: 300 }, (_, index) => ({ correlation: `rr-${index % 7}`, data: { index } })));
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(log),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 100, max: 70_000 }),
        async (lines, partLines, size) => {
          const archive = await packed(bundleFiles(log, { lines, partLines }));
          const report = await verifyBundle(inChunks(archive, size), { keys: [LOG_KEY] });
          assert.equal(report.events, lines.length);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("claims a whole correlation only where the filter asks for that and nothing else", async () => {
    const lines = LOG.filter(({ correlation_id: id }) => id === "rr-1");
    const filter = { correlationId: "rr-1" };
    assert.equal((await verified(ofLog({ lines, filter }))).wholeCorrelation, "rr-1");
    const narrower = { ...filter, severities: ["high"] };
    assert.equal((await verified(ofLog({ lines: lines.slice(1, 2), filter: narrower }))).wholeCorrelation, undefined);
  });

  test("compressed with gzip", async () => {
    const report = await verifyBundle(inChunks(gzipSync(await packed(ofLog())), 100), { keys: [LOG_KEY] });
    assert.equal(report.events, 20);
  });
});

describe("keys", () => {
  test("that nobody gave show only that the bundle belongs together", async () => {
    const report = await verified(ofLog(), []);
    assert.equal(report.vouched, false);
    assert.deepEqual(
      report.checkpoint.keys.map(({ purpose, given }) => [purpose, given]),
      [
        ["log", false],
        ["cosigner", false],
      ],
    );
  });

  test("that were given and signed nothing of it are no proof", async () => {
    const other = logSigners(8);
    const flaw = await flawOf(verified(ofLog(), [other.log.verifier]));
    assert.match(flaw.message, /none of the keys that were given signed it: it is signed by log\.example\/test\+/);
  });

  test("a bundle that somebody else made and signed is consistent, and no more", async () => {
    const forged = ofLog({ signers: logSigners(8) });
    assert.equal((await verified(forged, [])).vouched, false);
    await flawOf(verified(forged, [LOG_KEY]));
  });

  test("the export's key, a cosigner's or a witness's vouches as well as the log's", async () => {
    const witness = cosigner("witness.example/w1", privateKeyOf(Buffer.alloc(32, 9)), () => 1_790_000_005);
    const files = ofLog({ witnesses: [witness] });
    for (const { verifier } of [witness, SIGNERS.cosigner, SIGNERS.exporter]) {
      assert.equal((await verified(files, [verifier])).vouched, true, verifier.name);
    }
    const report = await verified(files, [witness.verifier, logSigners(8).log.verifier]);
    assert.deepEqual(report.checkpoint.keys.at(-1), {
      verifierKey: witness.verifier.verifierKey,
      name: "witness.example/w1",
      purpose: "witness",
      given: true,
      cosignedAt: 1_790_000_005,
    });
    assert.deepEqual(report.unusedKeys, [ORIGIN]);
    assert.deepEqual((await verified(files)).checkpoint.unchecked, ["witness.example/w1"]);
  });

  test("must be of this log, each for what it signs", async () => {
    const key = (purpose: string, { verifierKey }: Verifier) => ({ purpose, verifier_key: verifierKey });
    const {
      log,
      cosigner: own,
      exporter,
    } = { log: LOG_KEY, cosigner: SIGNERS.cosigner.verifier, exporter: SIGNERS.exporter.verifier };
    const wrong: readonly (readonly [Json, RegExp])[] = [
      [[key("log", exporter)], /verifier_keys\[0\] is not a key of log\.example\/test for the purpose log/],
      [[key("export", log)], /is not a key of/],
      [[key("log", own)], /is not a key of/],
      [[key("witness", own)], /purpose must be log, cosigner, export/],
      [[{ purpose: "log", verifier_key: `${log.verifierKey}x` }], /verifier_keys\[0\]: a verifier key|verifier key/],
      [["x"], /verifier_keys\[0\] must be an object/],
      [[key("log", log)], /manifest\.note: no signature by a known key/],
      [[key("export", exporter)], /checkpoint: no signature by a known key/],
    ];
    for (const [keys, text] of wrong) {
      assert.match((await flawOf(verified(sealed(ofLog(), {}, { verifier_keys: keys }), []))).message, text);
    }
  });
});

describe("whose signature it is", () => {
  const key = (purpose: string, { verifierKey }: Verifier) => ({ purpose, verifier_key: verifierKey });
  const cases: readonly (readonly [string, BundleChoices, readonly Json[], RegExp])[] = [
    [
      "a manifest that the log's key signed is no export's",
      { signers: { ...SIGNERS, exporter: SIGNERS.log } },
      [key("log", LOG_KEY)],
      /^manifest\.note: no signature by a known key/,
    ],
    [
      "a checkpoint that the export's key signed is no log's",
      { signers: { ...SIGNERS, log: SIGNERS.exporter } },
      [key("export", SIGNERS.exporter.verifier)],
      /^checkpoint: no signature by a known key/,
    ],
    [
      "a checkpoint that was cosigned alone is no log's",
      {},
      [key("cosigner", SIGNERS.cosigner.verifier), key("export", SIGNERS.exporter.verifier)],
      /^checkpoint: is not signed by a known key of the log itself/,
    ],
  ];
  for (const [name, choices, keys, text] of cases) {
    test(name, async () => {
      const files = sealed(ofLog(choices), choices, { verifier_keys: keys });
      assert.match((await flawOf(verified(files, []))).message, text);
    });
  }
});

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
      { numRuns: 400 },
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
    const filter = { correlationId: "rr-1" };
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
    const other = ofLog({ lines: own, filter: { correlationId: "rr-9" } });
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

describe("archives", () => {
  async function flawOfFiles(files: readonly BundleFile[]): Promise<string> {
    return (await flawOf(verified(files))).message;
  }

  test("have every file in its place, and no other", async () => {
    const files = ofLog({ partLines: 10 });
    for (const [index, { name }] of files.entries()) {
      assert.match(await flawOfFiles(files.filter((_, other) => other !== index)), /the archive (has|ends)/, name);
      const twice = files.toSpliced(index, 0, files[index] as BundleFile);
      assert.match(await flawOfFiles(twice), /the archive has/, name);
    }
    assert.match(await flawOfFiles([...files, { name: "more", content: Buffer.alloc(3) }]), /has "more" after its end/);
    const swapped = [files[1], files[0], ...files.slice(2)] as BundleFile[];
    assert.equal(await flawOfFiles(swapped), 'the archive has "checkpoint" where "README.txt" must come first');
  });

  test("hold plain files alone", async () => {
    const kinds = ["symlink", "link", "directory", "fifo", "character-device"] as const;
    for (const type of kinds) {
      const archive = pack();
      archive.entry({ name: "README.txt", type, linkname: "/etc/passwd" });
      archive.finalize();
      const flaw = await flawOf(verifyBundle(archive as AsyncIterable<Uint8Array>, { keys: [] }));
      assert.match(flaw.message, new RegExp(`holds "README\\.txt/?", which is ${type}`));
    }
    const extended = pack();
    extended.entry({ name: "README.txt", pax: { size: "5" } } as never, "hello");
    extended.finalize();
    assert.match(
      (await flawOf(verifyBundle(extended as AsyncIterable<Uint8Array>, { keys: [] }))).message,
      /extended header/,
    );
  });

  test("cut short at any place are told so, or miss a file", async () => {
    const archive = await packed(ofLog({ lines: LOG.slice(0, 3) }));
    const content = archive.length - 1024;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: content - 512 }), async (length) => {
        const flaw = await flawOf(verifyBundle(inChunks(archive.subarray(0, length)), { keys: [] }));
        assert.match(flaw.message, /cut short|the archive ends where/);
      }),
      { numRuns: 60 },
    );
    const gzip = gzipSync(archive);
    const cut = await flawOf(verifyBundle(inChunks(gzip.subarray(0, gzip.length - 100)), { keys: [] }));
    assert.match(cut.message, /cut short/);
    const spoilt = Buffer.from(gzip);
    spoilt.fill(0xff, 20, 60);
    assert.match(
      (await flawOf(verifyBundle(inChunks(spoilt), { keys: [] }))).message,
      /the gzip data is damaged \(Z_DATA_ERROR\)/,
    );
  });

  test("what is none is told so", async () => {
    for (const bytes of [Buffer.alloc(600, "x"), Buffer.from("{}"), Buffer.alloc(0), Buffer.alloc(10_240)]) {
      assert.match(
        (await flawOf(verifyBundle(inChunks(bytes), { keys: [] }))).message,
        /is no tar archive|cut short|the archive ends/,
      );
    }
    const huge = await packed([{ name: "README.txt", content: Buffer.alloc(0) }]);
    huge.write("77777777777", 124);
    assert.match((await flawOf(verifyBundle(inChunks(huge), { keys: [] }))).message, /is no tar archive|damaged/);
  });

  test("files that claim to be huge are refused after their bound", async () => {
    const whole = await packed([...ofLog().slice(0, 1), { name: "checkpoint", content: Buffer.alloc(2_000_000, "x") }]);
    let taken = 0;
    const endless = async function* () {
      for (let from = 0; ; from += 10_000) {
        taken += 10_000;
        yield from < whole.length - 1024 ? whole.subarray(from, from + 10_000) : Buffer.alloc(10_000, "x");
      }
    };
    const flaw = await flawOf(verifyBundle(endless(), { keys: [] }));
    assert.match(flaw.message, /^checkpoint: is longer than 1048576 bytes/);
    assert.ok(taken < 1_500_000, `${taken} bytes were read`);
    const proof = { name: "proof-000001.jsonl", content: Buffer.alloc(64 * 1024 * 1024 + 1) };
    assert.match(
      (await flawOf(verified([...ofLog().slice(0, 2), proof]))).message,
      /^proof-000001\.jsonl: is longer than/,
    );
  });

  test("a part without an event is none", async () => {
    const files = ofLog({ lines: [] });
    const empty = ["proof-000001.jsonl", "events-000001.jsonl"].map((name) => ({ name, content: Buffer.alloc(0) }));
    assert.match(
      (await flawOf(verified([...files.slice(0, 2), ...empty, ...files.slice(2)]))).message,
      /^events-000001\.jsonl: has no events/,
    );
  });

  test("what reading fails with is no flaw of the bundle", async () => {
    const broken = async function* () {
      yield (await packed(ofLog())).subarray(0, 3000);
      throw Object.assign(new Error("the disk is gone"), { code: "EIO" });
    };
    await assert.rejects(verifyBundle(broken(), { keys: [] }), { code: "EIO" });
  });
});
