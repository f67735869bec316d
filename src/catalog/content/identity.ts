import { createHash } from "node:crypto";
import { v5 } from "uuid";
import { canonicalText } from "../../integrity/canonical.ts";
import { TEXT_LIMITS } from "./documents.ts";
import type { Findings } from "./findings.ts";
import type { JsonSpec } from "./values.ts";

/** The namespace (RFC 9562, 6.5) of workflow ids. It never changes: the ids of everything registered come from it. */
const WORKFLOW_IDS = "23cf0230-c481-460f-a567-13d65b34314f";

/** SHA-256 of the canonical text of a spec, 64 hex digits. */
export function contentHash(canonical: string): string {
  return createHash("sha256").update(canonical).digest("hex");
}

/** The UUID (version 5) of a registration: the same name, version and content have the same id everywhere. */
export function workflowId(name: string, version: string, hash: string): string {
  return v5(`${name}\n${version}\n${hash}`, WORKFLOW_IDS);
}

/** The RFC 8785 form of a spec in which nothing was found; a violation where it takes too much as the database stores it. */
export function storedSpec(spec: JsonSpec, findings: Findings): string {
  const canonical = canonicalText(spec.value);
  const bytes = Buffer.byteLength(canonical) + spec.exponents;
  if (bytes > TEXT_LIMITS.bytes) {
    findings.must(["spec"], `must be at most ${TEXT_LIMITS.bytes} bytes as stored; it has ${bytes}`);
  }
  return canonical;
}
