import { join } from "node:path";
import { lastLine, run, runToEnd } from "./command.ts";
import { contractFiles, contractTexts, kept, ROOT, textsOf, VALIDATION_RULES } from "./kept.ts";

const SOURCE = join(ROOT, "test", "interop", "python");
const OLDEST = "3.10";
const FIRST_RUN_MS = 240_000;

/** A client on generated stubs, in Python. */
export interface PythonClient {
  /** How it is started. */
  readonly program: readonly [string, string];
  readonly env: Readonly<Record<string, string>>;
}

/** Gives what generates the stubs of the contract for the client in `python/`, or says in one line what is missing. */
export async function pythonClient(): Promise<(() => Promise<PythonClient>) | string> {
  const environment = await pythonEnvironment("python", SOURCE);
  return typeof environment === "string" ? environment : () => generateClient(environment);
}

/** A Python with packages of its own. */
export interface PythonEnvironment {
  /** As `3.12.1`. */
  readonly version: string;
  /** The program. */
  readonly python: string;
  /** What its packages are pinned to. */
  readonly requirements: readonly string[];
}

/**
 * Installs what requirements.txt of `source` pins into an environment of its own, which is kept under `name`; the first time,
 * this needs the Python package index. Says in one line what is missing where it cannot.
 */
export async function pythonEnvironment(name: string, source: string): Promise<PythonEnvironment | string> {
  const version = await pythonVersion();
  if (version === undefined) return "Python is not installed";
  if (version.localeCompare(OLDEST, "en", { numeric: true }) < 0)
    return `Python ${OLDEST} is needed, ${version} is installed`;
  const file = join(source, "requirements.txt");
  const requirements = textsOf(file);
  try {
    const folder = await kept(name, [version, ...requirements], (draft) => installRequirements(draft, file));
    return { version, python: join(folder, "bin", "python"), requirements };
  } catch (error) {
    return `the Python packages cannot be installed: ${lastLine(error)}`;
  }
}

async function pythonVersion(): Promise<string | undefined> {
  try {
    const { code, stdout } = await runToEnd("python3", ["--version"]);
    return code === 0 ? stdout.trim().replace(/^Python /, "") : undefined;
  } catch {
    return undefined;
  }
}

async function installRequirements(folder: string, requirements: string): Promise<void> {
  const timeoutMs = FIRST_RUN_MS;
  await run("python3", ["-m", "venv", folder], { timeoutMs });
  const pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  await run(join(folder, "bin", "python"), [...pip, "-r", requirements], { timeoutMs });
}

/** Generates the stubs with grpcio-tools; google/rpc comes with googleapis-common-protos, protos and code. */
async function generateClient({ version, python, requirements }: PythonEnvironment): Promise<PythonClient> {
  const stubs = await kept("python-stubs", [version, ...requirements, ...contractTexts()], async (folder) => {
    const packages = (await run(python, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])).trim();
    const include = [join(ROOT, "proto"), join(ROOT, "third_party"), packages].map((path) => `--proto_path=${path}`);
    const out = [`--python_out=${folder}`, `--grpc_python_out=${folder}`];
    await run(python, ["-m", "grpc_tools.protoc", ...include, ...out, ...contractFiles(), VALIDATION_RULES]);
  });
  return { program: [python, join(SOURCE, "client.py")], env: { PYTHONPATH: stubs, PYTHONDONTWRITEBYTECODE: "1" } };
}
