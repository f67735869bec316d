import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import {
  type BundleChoices,
  bundleFiles,
  erased,
  logOf,
  logSigners,
  ORIGIN,
  packed,
  removed,
  sealed,
} from "../../../test/support/bundle.ts";
import { at, flawOf, inChunks, LOG, LOG_KEY, ofLog, SIGNERS, verified } from "../../../test/support/bundle_checks.ts";
import type { Json } from "../canonical.ts";
import { privateKeyOf } from "../note/keys.ts";
import { cosigner, ed25519Signer, type Verifier } from "../note/signed_note.ts";
import { verifyBundle } from "./verify_bundle.ts";

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
      { lines: LOG.filter(({ correlation_id: id }) => id === "rr-2"), filter: { correlation_id: "rr-2" } },
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
    const filter = { correlation_id: "rr-1" };
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
    const other = ed25519Signer("other.example", privateKeyOf(Buffer.alloc(32, 8))).verifier;
    const report = await verified(files, [witness.verifier, other]);
    assert.deepEqual(report.checkpoint.keys.at(-1), {
      verifierKey: witness.verifier.verifierKey,
      name: "witness.example/w1",
      purpose: "witness",
      given: true,
      cosignedAt: 1_790_000_005,
    });
    assert.deepEqual(report.unusedKeys, ["other.example"]);
    assert.deepEqual((await verified(files)).checkpoint.unchecked, ["witness.example/w1"]);
  });

  test("a witness does not vouch for a log of this name that the log's given key has not signed", async () => {
    const witness = cosigner("witness.example/w1", privateKeyOf(Buffer.alloc(32, 9)), () => 1_790_000_005);
    const files = ofLog({ witnesses: [witness] });
    const { log, exporter } = logSigners(8);
    for (const { verifier } of [log, exporter]) {
      const flaw = await flawOf(verified(files, [witness.verifier, verifier]));
      assert.match(
        flaw.message,
        /a witness and none of the log's keys that were given signed it: it is signed by log\.example/,
      );
    }
    assert.equal((await verified(files, [witness.verifier, log.verifier, LOG_KEY])).vouched, true);
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
