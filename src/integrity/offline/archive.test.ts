import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { pack } from "tar-stream";
import { type BundleFile, packed } from "../../../test/support/bundle.ts";
import { flawOf, inChunks, LOG, ofLog, verified } from "../../../test/support/bundle_checks.ts";
import { verifyBundle } from "./verify_bundle.ts";

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
