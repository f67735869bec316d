// The command line and a service that speaks TLS and asks for certificates; and what is said when one side does not.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Endpoint, startEndpoint } from "../interop/endpoint.ts";
import { type Authority, type Certificate, createAuthority, noOpenssl } from "../rpc/certificates.ts";
import { datastorage } from "./datastorage.ts";

describe("with TLS", { skip: noOpenssl() ?? false }, () => {
  let authority: Authority;
  let client: Certificate;
  let secured: Endpoint;
  let plain: Endpoint;
  before(async () => {
    authority = createAuthority("cli test");
    client = authority.issue("/CN=auditor", "DNS:auditor");
    const server = authority.issue("/CN=datastorage", "IP:127.0.0.1");
    [secured, plain] = await Promise.all([
      startEndpoint("cli_tls", {
        DATASTORAGE_TLS_CERT_FILE: server.certFile,
        DATASTORAGE_TLS_KEY_FILE: server.keyFile,
        DATASTORAGE_TLS_CLIENT_CA_FILE: authority.certFile,
      }),
      startEndpoint("cli_plain"),
    ]);
  });
  after(async () => {
    await secured?.close();
    await plain?.close();
  });

  const info = (address: string, ...flags: string[]) => datastorage(["info", "--address", address, ...flags]);
  const trust = () => ["--ca-file", authority.certFile];
  const show = () => ["--client-cert-file", client.certFile, "--client-key-file", client.keyFile];

  test("with the authority and a certificate to show, it works", async () => {
    const { code, stdout } = await info(secured.address, ...trust(), ...show());
    assert.equal(code, 0);
    assert.match(stdout, /^DataStorage .* at https:/);
  });

  test("an authority that is not known is told with the flag that names one", async () => {
    const { code, stderr } = await info(secured.address, "--tls", ...show());
    assert.equal(code, 1);
    assert.match(
      stderr,
      /shows a certificate that is not trusted \(.*\): name the authority that signed it with --ca-file FILE/,
    );
  });

  test("a certificate that is not shown is asked for", async () => {
    const { code, stderr } = await info(secured.address, ...trust());
    assert.equal(code, 1);
    assert.match(stderr, /asks for a certificate.*--client-cert-file/);
  });

  test("TLS to a service that speaks plain text, and plain text to one that speaks TLS", async () => {
    assert.match((await info(`https://${plain.address}`)).stderr, /does not speak TLS as asked/);
    assert.match((await info(secured.address)).stderr, /cannot be reached .*Does it ask for TLS \(--tls\)\?/);
  });
});
