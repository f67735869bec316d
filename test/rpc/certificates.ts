import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Files of a certificate and its key, and what they hold. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Makes certificates in a folder of its own. */
export interface Authority extends Certificate {
  /** A certificate with a subject such as `/CN=gateway` and alternative names such as `DNS:localhost`. */
  issue(subject: string, alternativeNames: string): Certificate;
}

/** Why no certificates can be made here; undefined where they can, and in CI, where the tests that need them must run. */
export function noOpenssl(): string | undefined {
  if (process.env["CI"] === "true") return undefined;
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "openssl is not installed";
  }
}

/** A folder that is there until the test process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "rpc-test-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A certificate authority of its own, valid for a day. */
export function createAuthority(name: string): Authority {
  const folder = temporaryFolder();
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const keyTo = (file: string) => [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-keyout",
    file,
  ];
  openssl("req", "-x509", ...keyTo("ca.key"), "-days", "1", "-subj", `/CN=${name}`, "-out", "ca.pem");
  let issued = 0;
  return {
    ...read(folder, "ca"),
    issue(subject, alternativeNames) {
      issued += 1;
      const file = `issued-${issued}`;
      openssl("req", "-new", ...keyTo(`${file}.key`), "-subj", subject, "-out", `${file}.csr`);
      writeFileSync(join(folder, `${file}.ext`), `subjectAltName=${alternativeNames}\n`);
      const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
      openssl(
        "x509",
        "-req",
        "-in",
        `${file}.csr`,
        ...signer,
        "-days",
        "1",
        "-extfile",
        `${file}.ext`,
        "-out",
        `${file}.pem`,
      );
      return read(folder, file);
    },
  };
}

function read(folder: string, name: string): Certificate {
  const certFile = join(folder, `${name}.pem`);
  const keyFile = join(folder, `${name}.key`);
  return { certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) };
}
