// The service as a Python client on generated stubs sees it (grpcio, whose core is neither Node's nor Go's).
import { after, before, test } from "node:test";
import { type Endpoint, startEndpoint } from "./endpoint.ts";
import { type PythonClient, pythonClient } from "./python.ts";
import { assertSpeaks } from "./report.ts";
import { recordings } from "./sample.ts";
import { suite } from "./suite.ts";

const found = await pythonClient();

suite("a Python client on generated stubs", typeof found === "string" ? found : undefined, () => {
  let endpoint: Endpoint;
  before(async () => {
    endpoint = await startEndpoint("python");
  });
  after(() => endpoint?.close());

  for (const recording of recordings) {
    test(`records, streams and lists ${recording.name}`, async () => {
      const { program, env } = await (found as () => Promise<PythonClient>)();
      await assertSpeaks(program, endpoint.address, recording, env);
    });
  }
});
