import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { credentials, Client as GrpcClient } from "@grpc/grpc-js";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { type Principal, principalKey } from "../../src/rpc/principal.ts";
import { type Authority, type Certificate, createAuthority, noOpenssl, temporaryFolder } from "./certificates.ts";
import { obligingAudit, startTestServer, type TestServer } from "./support.ts";

const RELOAD_MS = 20;

describe("TLS", { skip: noOpenssl() ?? false }, () => {
  let authority: Authority;
  let certificate: Certificate;
  before(() => {
    authority = createAuthority("test authority");
    certificate = authority.issue("/CN=datastorage", "DNS:localhost,IP:127.0.0.1");
  });

  async function handshake(server: TestServer, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const ca = authority.cert;
    const socket = connectTls({ port: server.address.port, host: "127.0.0.1", ca, ALPNProtocols: ["h2"], ...options });
    await once(socket, "secureConnect");
    return socket;
  }

  /** Serial number of the certificate that a new connection is shown. */
  async function serialShown(server: TestServer): Promise<string> {
    const socket = await handshake(server);
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  }

  it("serves every protocol over both versions of HTTP on one port", async () => {
    const server = await startTestServer(obligingAudit, { tls: certificate });
    const base = { baseUrl: server.url, nodeOptions: { ca: authority.cert } };
    const transports = [
      createGrpcTransport(base),
      createGrpcWebTransport({ ...base, httpVersion: "1.1" }),
      createGrpcWebTransport({ ...base, httpVersion: "2" }),
      createConnectTransport({ ...base, httpVersion: "1.1" }),
      createConnectTransport({ ...base, httpVersion: "2" }),
    ];
    for (const transport of transports) {
      assert.equal((await createClient(AuditService, transport).getServiceInfo({})).version, "test");
    }
    const target = `localhost:${server.address.port}`;
    const client = new GrpcClient(target, credentials.createSsl(authority.cert));
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 5000, (error) => (error ? reject(error) : resolve()));
    });
    client.close();
    await server.close({ timeoutMs: 5000 });
  });

  it("chooses by ALPN; a client without it speaks HTTP/1.1, and TLS 1.1 is refused", async () => {
    const server = await startTestServer(obligingAudit, { tls: certificate });
    for (const [offered, chosen] of [
      [["h2", "http/1.1"], "h2"],
      [["http/1.1"], "http/1.1"],
    ] as const) {
      const socket = await handshake(server, { ALPNProtocols: [...offered] });
      assert.equal(socket.alpnProtocol, chosen);
      socket.destroy();
    }
    const plain = await handshake(server, { ALPNProtocols: [] });
    plain.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert.match(String(await once(plain, "data")), /^HTTP\/1\.1 404/);
    await assert.rejects(handshake(server, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" }));
    await server.close({ timeoutMs: 5000 });
  });

  it("does not wait for a handshake that never comes when it closes", async () => {
    const server = await startTestServer(obligingAudit, { tls: certificate });
    const { connect } = await import("node:net");
    const silent = connect(server.address.port, "127.0.0.1");
    silent.on("error", () => {});
    await once(silent, "connect");
    const open = await handshake(server);
    await Promise.all([once(silent, "close"), once(open.resume(), "close"), server.close({ timeoutMs: 60_000 })]);
  });

  it("refuses to start with files that cannot be used", async () => {
    const other = authority.issue("/CN=other", "DNS:other");
    const cases = [
      { ...certificate, keyFile: other.keyFile },
      { ...certificate, certFile: certificate.keyFile },
      { ...certificate, certFile: "/nowhere.pem" },
      { ...certificate, clientCaFile: certificate.keyFile },
    ];
    for (const tls of cases) await assert.rejects(startTestServer(obligingAudit, { tls }));
  });

  describe("with a mounted secret as Kubernetes lays it out", () => {
    /** A folder whose files are symlinks into `..data`, itself a symlink to a folder that is swapped as a whole. */
    function mountSecret(first: Certificate) {
      const folder = temporaryFolder();
      let version = 0;
      const renew = ({ cert, key }: Pick<Certificate, "cert" | "key">) => {
        version += 1;
        const data = `..version_${version}`;
        mkdirSync(join(folder, data));
        writeFileSync(join(folder, data, "tls.crt"), cert);
        writeFileSync(join(folder, data, "tls.key"), key);
        symlinkSync(data, join(folder, "..data_tmp"));
        renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
        if (version > 1) rmSync(join(folder, `..version_${version - 1}`), { recursive: true });
      };
      renew(first);
      for (const file of ["tls.crt", "tls.key"]) symlinkSync(join("..data", file), join(folder, file));
      return { renew, tls: { certFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") } };
    }

    it("shows the new certificate to new connections, and keeps the old ones", async () => {
      const secret = mountSecret(certificate);
      const server = await startTestServer(obligingAudit, { tls: secret.tls, tlsReloadMs: RELOAD_MS });
      const transport = createGrpcTransport({ baseUrl: server.url, nodeOptions: { ca: authority.cert } });
      const client = createClient(AuditService, transport);
      await client.getServiceInfo({});
      const before = await serialShown(server);
      secret.renew(authority.issue("/CN=datastorage", "DNS:localhost,IP:127.0.0.1"));
      await server.logged("new TLS certificate in use");
      assert.notEqual(await serialShown(server), before);
      await client.getServiceInfo({});
      await server.close({ timeoutMs: 5000 });
    });

    it("keeps what works when the new files do not, says so once, and takes the next that do", async () => {
      const secret = mountSecret(certificate);
      const server = await startTestServer(obligingAudit, { tls: secret.tls, tlsReloadMs: RELOAD_MS });
      const before = await serialShown(server);
      const next = authority.issue("/CN=datastorage", "DNS:localhost,IP:127.0.0.1");
      secret.renew({ cert: next.cert, key: certificate.key });
      const refused = "the TLS files cannot be used; the certificate from before stays in use";
      await server.logged(refused);
      assert.equal(await serialShown(server), before);
      secret.renew(next);
      await server.logged("new TLS certificate in use");
      assert.notEqual(await serialShown(server), before);
      assert.equal(server.logs.filter(({ msg }) => msg === refused).length, 1);
      await server.close({ timeoutMs: 5000 });
    });
  });

  describe("with an authority for clients", () => {
    async function principalsSeen() {
      const seen: Principal[] = [];
      const server = await startTestServer(
        {
          getServiceInfo: (_, { values }) => {
            seen.push(values.get(principalKey));
            return {};
          },
        },
        { tls: { ...certificate, clientCaFile: authority.certFile } },
      );
      const call = (httpVersion: "1.1" | "2", client: Certificate | undefined) => {
        const nodeOptions = { ca: authority.cert, ...(client && { cert: client.cert, key: client.key }) };
        const transport = createConnectTransport({ baseUrl: server.url, httpVersion, nodeOptions });
        return createClient(AuditService, transport).getServiceInfo({});
      };
      return { seen, server, call };
    }

    it("knows callers by the names in their certificates, over both versions of HTTP", async () => {
      const { seen, server, call } = await principalsSeen();
      const named = authority.issue("/CN=gateway", "DNS:gw.local");
      const spiffe = authority.issue("/O=kubernaut", "URI:spiffe://kubernaut/gateway");
      await call("1.1", named);
      await call("2", named);
      await call("2", spiffe);
      assert.deepEqual(seen, [
        { kind: "certificate", name: "gateway" },
        { kind: "certificate", name: "gateway" },
        { kind: "certificate", name: "spiffe://kubernaut/gateway" },
      ]);
      await server.close({ timeoutMs: 5000 });
    });

    it("refuses clients without a certificate, and with one of another authority", async () => {
      const { seen, server, call } = await principalsSeen();
      const stranger = createAuthority("another authority").issue("/CN=gateway", "DNS:gw.local");
      for (const client of [undefined, stranger]) {
        await assert.rejects(call("1.1", client));
        await assert.rejects(call("2", client));
      }
      assert.deepEqual(seen, []);
      await server.close({ timeoutMs: 5000 });
    });
  });
});
