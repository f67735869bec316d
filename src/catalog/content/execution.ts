import { z } from "zod";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { RawObject } from "./documents.ts";
import type { Findings, Path } from "./findings.ts";
import { DNS_NAME, objectAt, shaped, text, warnOfUnknown } from "./shape.ts";

/** What runs, as the catalog stores it. */
export interface Execution {
  readonly executionBundle: string;
  readonly executionBundleDigest: string;
  readonly engineConfig?: JsonObject;
}

/** spec.execution; undefined, with what is wrong noted, where it breaks a rule. */
export function checkedExecution(value: unknown, path: Path, findings: Findings): Execution | undefined {
  const execution = objectAt(value, path, findings);
  if (execution === undefined) return undefined;
  warnOfUnknown(execution, FIELDS, path, findings);
  const engine = shaped(ENGINE, execution["engine"], [...path, "engine"], findings);
  if (execution["serviceAccountName"] !== undefined) {
    shaped(DNS_NAME, execution["serviceAccountName"], [...path, "serviceAccountName"], findings);
  }
  if (engine === undefined) return undefined;
  const bundle = engine === "ansible" ? commit(execution, path, findings) : image(execution, path, findings);
  const engineConfig = checkedConfig(engine, execution["engineConfig"], [...path, "engineConfig"], findings);
  return bundle && { ...bundle, ...(engineConfig !== undefined && { engineConfig }) };
}

const FIELDS = ["engine", "bundle", "bundleDigest", "engineConfig", "serviceAccountName"];

function image(execution: RawObject, path: Path, findings: Findings): Execution | undefined {
  const executionBundle = shaped(IMAGE, execution["bundle"], [...path, "bundle"], findings);
  if (executionBundle === undefined) return undefined;
  const executionBundleDigest = executionBundle.slice(executionBundle.indexOf("@") + 1);
  const beside = execution["bundleDigest"];
  if (beside !== undefined && beside !== executionBundleDigest) {
    findings.must([...path, "bundleDigest"], "must be the digest in bundle, or be left out");
  }
  return { executionBundle, executionBundleDigest };
}

function commit(execution: RawObject, path: Path, findings: Findings): Execution | undefined {
  const executionBundle = shaped(REPOSITORY, execution["bundle"], [...path, "bundle"], findings);
  const digest = shaped(COMMIT, execution["bundleDigest"], [...path, "bundleDigest"], findings);
  if (executionBundle === undefined || digest === undefined) return undefined;
  return { executionBundle, executionBundleDigest: digest.toLowerCase() };
}

function checkedConfig(engine: string, value: unknown, path: Path, findings: Findings): JsonObject | undefined {
  if (value === undefined && engine !== "ansible") return undefined;
  const config = objectAt(value, path, findings);
  if (config !== undefined && engine === "ansible") shaped(ANSIBLE_CONFIG, config, path, findings);
  const bytes = Buffer.byteLength(JSON.stringify(config ?? {}));
  if (bytes > CONFIG_BYTES) findings.must(path, `must be at most ${CONFIG_BYTES} bytes as JSON; it has ${bytes}`);
  return config as JsonObject | undefined;
}

/** It goes with the workflow wherever that is listed. */
const CONFIG_BYTES = 64 * 1024;

const ENGINE = z.enum(["tekton", "job", "ansible"]);
const bundle = text(1, 2_000);

const IMAGE = bundle.refine(
  (value) => /^[A-Za-z0-9][A-Za-z0-9._:/-]*@sha256:[0-9a-f]{64}$/.test(value),
  "must be an image pinned by its digest: image@sha256:<64 hex digits in lower case>; a tag alone can move",
);

const REPOSITORY = bundle
  .refine(isRepository, "must be the URL of a Git repository: https://…, http://…, ssh://…, git://… or git@host:path")
  .refine(hasNoSecret, "must hold no password or token: the catalog and its events show it to everyone");

const COMMIT = z.string().regex(/^(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$/, "must be the commit: 40 or 64 hex digits");

const SETTING = text(1, 253).optional();

const ANSIBLE_CONFIG = z.looseObject({
  playbookPath: text(1, 1_000).refine(
    (value) => !/^\/|\\|^[A-Za-z]:/.test(value) && !value.split("/").includes(".."),
    "must be a path within the repository: relative, with / and without ..",
  ),
  jobTemplateName: SETTING,
  inventoryName: SETTING,
});

function isRepository(value: string): boolean {
  if (/\s/.test(value)) return false;
  if (/^[\w.-]+@[\w.-]+:[^/].*$/.test(value)) return true;
  const url = URL.parse(value);
  return (
    url !== null &&
    ["http:", "https:", "ssh:", "git:"].includes(url.protocol) &&
    url.hostname !== "" &&
    url.pathname.length > 1
  );
}

/** In ssh://git@host the user is no secret; over HTTP it is where tokens stand. */
function hasNoSecret(value: string): boolean {
  const url = URL.parse(value);
  return url === null || (url.password === "" && (url.username === "" || !url.protocol.startsWith("http")));
}
