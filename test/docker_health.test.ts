// scripts/health.ts, which containers run as their health check, where the service asks for TLS.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runToEnd } from "./interop/command.ts";
import { startEndpoint } from "./interop/endpoint.ts";
import { createAuthority, noOpenssl } from "./rpc/certificates.ts";

const SCRIPT = fileURLToPath(new URL("../scripts/health.ts", import.meta.url));
const skip = noOpenssl() ?? false;

for (const clients of ["whoever they are", "that show a certificate"] as const) {
  test(`a service that takes clients ${clients} is found serving over TLS`, { skip }, async () => {
    const authority = createAuthority("health test");
    const { certFile, keyFile } = authority.issue("/CN=datastorage", "DNS:datastorage.example.com");
    const tls = {
      DATASTORAGE_TLS_CERT_FILE: certFile,
      DATASTORAGE_TLS_KEY_FILE: keyFile,
      ...(clients === "that show a certificate" && { DATASTORAGE_TLS_CLIENT_CA_FILE: authority.certFile }),
    };
    const endpoint = await startEndpoint("health", tls);
    try {
      const healthy = await check({ ...tls, DATASTORAGE_ADDRESS: endpoint.address });
      assert.deepEqual(healthy, { code: 0, stdout: "SERVING\n", stderr: "" });
      const inPlainText = await check({ DATASTORAGE_ADDRESS: endpoint.address });
      assert.equal(inPlainText.code, 1);
    } finally {
      await endpoint.close();
    }
  });
}

function check(env: Readonly<Record<string, string>>) {
  return runToEnd(process.execPath, [SCRIPT], { env });
}
