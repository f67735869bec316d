// Reporter of node:test for scripts/test.mjs: the counts of the whole run, as JSON.
/** @param {AsyncIterable<import("node:test/reporters").TestEvent>} source */
export default async function* count(source) {
  for await (const { type, data } of source) {
    if (type !== "test:summary" || data.file !== undefined) continue;
    const { passed, failed, cancelled, skipped, todo } = data.counts;
    yield JSON.stringify({ passed: passed + todo, failed: failed + cancelled, skipped });
  }
}
