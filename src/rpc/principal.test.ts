import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { ANONYMOUS, parseAlternativeNames, principalOfTls } from "./principal.ts";

function socketWith(certificate: object, authorized = true): TLSSocket {
  return { authorized, getPeerCertificate: () => certificate } as unknown as TLSSocket;
}

describe("the principal of a TLS connection", () => {
  it("is the common name of its certificate", () => {
    const socket = socketWith({ subject: { CN: "gateway" }, subjectaltname: "DNS:other" });
    assert.deepEqual(principalOfTls(socket), { kind: "certificate", name: "gateway" });
  });

  it("is the SPIFFE name where there is no common name, before DNS and e-mail names", () => {
    const socket = socketWith({
      subject: {},
      subjectaltname: "email:a@b, DNS:gw.local, URI:spiffe://kubernaut/gateway",
    });
    assert.equal(principalOfTls(socket).name, "spiffe://kubernaut/gateway");
    assert.equal(
      principalOfTls(socketWith({ subject: {}, subjectaltname: "email:a@b, DNS:gw.local" })).name,
      "gw.local",
    );
  });

  it("is anonymous for a certificate that was not verified, has no name, or is not there", () => {
    assert.equal(principalOfTls(socketWith({ subject: { CN: "gateway" } }, false)), ANONYMOUS);
    assert.equal(principalOfTls(socketWith({ subject: {} })), ANONYMOUS);
    assert.equal(principalOfTls(socketWith({})), ANONYMOUS);
  });

  it("does not take one of several common names for the name", () => {
    assert.equal(principalOfTls(socketWith({ subject: { CN: ["admin", "gateway"] } })), ANONYMOUS);
  });
});

describe("alternative names", () => {
  it("are read in order, with quoted ones whole", () => {
    assert.deepEqual(parseAlternativeNames('DNS:a.example, URI:"spiffe://x, DNS:admin", IP Address:127.0.0.1'), [
      ["DNS", "a.example"],
      ["URI", "spiffe://x, DNS:admin"],
      ["IP Address", "127.0.0.1"],
    ]);
  });

  it("are none in an empty text", () => {
    assert.deepEqual(parseAlternativeNames(""), []);
  });
});
