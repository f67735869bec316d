import { createHash, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import type { Logger } from "pino";

/** Files in PEM form. */
export interface TlsFiles {
  /** The server's certificate and the chain above it. */
  readonly certFile: string;
  /** Its private key. */
  readonly keyFile: string;
  /** Authorities that sign client certificates. Given: every client must show one. */
  readonly clientCaFile?: string;
}

/** What the files hold, checked to fit together. */
export type TlsMaterial = Pick<SecureContextOptions, "cert" | "key" | "ca" | "minVersion">;

/** Reads the files. Throws where one is missing, is no PEM, or the key is not that of the certificate. */
export async function readTls(files: TlsFiles): Promise<TlsMaterial> {
  const [cert, key, ca] = await Promise.all([
    readFile(files.certFile),
    readFile(files.keyFile),
    files.clientCaFile === undefined ? undefined : readFile(files.clientCaFile),
  ]);
  if (ca !== undefined) new X509Certificate(ca);
  const material: TlsMaterial = { cert, key, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) };
  createSecureContext(material);
  return material;
}

/**
 * Looks at the files every `intervalMs` and passes on what they hold when it has changed. Content is compared, not times or
 * inodes: Kubernetes renews a mounted secret by swapping a symlink above the files. What cannot be used is logged once, and
 * what was in use stays in use.
 */
export function watchTls(
  files: TlsFiles,
  current: TlsMaterial,
  intervalMs: number,
  log: Logger,
  renewed: (material: TlsMaterial) => void,
): { close(): void } {
  let seen = contentOf(current);
  let refused: string | undefined;
  const look = async () => {
    try {
      const material = await readTls(files);
      const content = contentOf(material);
      refused = undefined;
      if (content === seen) return;
      seen = content;
      renewed(material);
      log.info(lifetimeOf(material), "new TLS certificate in use");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason === refused) return;
      refused = reason;
      log.error({ err: error, ...files }, "the TLS files cannot be used; the certificate from before stays in use");
    }
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, intervalMs).unref();
  return { close: () => clearInterval(timer) };
}

/** Until when a certificate holds, for the log. */
export function lifetimeOf({ cert }: TlsMaterial): { subject: string; valid_until: string } {
  const certificate = new X509Certificate(cert as Buffer);
  return { subject: certificate.subject.replaceAll("\n", ", "), valid_until: certificate.validToDate.toISOString() };
}

function contentOf({ cert, key, ca }: TlsMaterial): string {
  return createHash("sha256").update([cert, key, ca].join("\n")).digest("hex");
}
