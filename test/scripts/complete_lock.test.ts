import assert from "node:assert/strict";
import { test } from "node:test";
import { missingEntries } from "../../scripts/complete_lock.mjs";

test("a platform that the registry did not give is written into the lock by its name", () => {
  const tool = {
    version: "1.2.0",
    dev: true,
    optionalDependencies: { "tool-linux-x64": "1.2.0", "@tool/linux-aarch64-musl": "1.2.0", colours: "^2" },
  };
  const lock = { packages: { "node_modules/tool": tool, "node_modules/tool-linux-x64": { version: "1.2.0" } } };
  assert.deepEqual(missingEntries(lock), {
    "node_modules/@tool/linux-aarch64-musl": {
      version: "1.2.0",
      dev: true,
      optional: true,
      os: ["linux"],
      cpu: ["arm64"],
      libc: ["musl"],
    },
  });
});
