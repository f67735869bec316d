import { cp } from "node:fs/promises";
import { join } from "node:path";
import { lastLine, run, runToEnd } from "./command.ts";
import { contractTexts, kept, ROOT, textsOf } from "./kept.ts";

/** The Go module of the tests: a client, and the programs that it is generated with and that call the service. */
const SOURCE = join(ROOT, "test", "interop", "go");
const MODULE = "kubernaut.ai/datastorage";
/** A module may ask for a newer Go than there is, which the go command would fetch; and no workspace around it counts. */
export const GO_ENVIRONMENT: Readonly<Record<string, string>> = { GOTOOLCHAIN: "local", GOWORK: "off" };
/** Milliseconds in which modules are fetched and built. */
export const FIRST_RUN_MS = 240_000;

/** Programs that Go has built. */
export interface GoPrograms {
  readonly grpcurl: string;
  readonly healthProbe: string;
  /** The client of test/interop/go. */
  readonly client: () => Promise<string>;
}

/** Installs the programs that go.mod pins; the first time, this needs the Go module proxy. Or says in one line what is missing. */
export async function goPrograms(): Promise<GoPrograms | string> {
  return withGo(SOURCE, async (version) => {
    const tools = await kept("go-tools", [version, ...modulesOf()], installTools);
    return {
      grpcurl: join(tools, "grpcurl"),
      healthProbe: join(tools, "grpc-health-probe"),
      client: () => buildClient(version, tools),
    };
  });
}

/** What `install` makes with the Go that is installed, for the module in a folder; or says in one line what is missing. */
export async function withGo<T>(module: string, install: (version: string) => Promise<T>): Promise<T | string> {
  const version = await goVersion();
  if (version === undefined) return "Go is not installed";
  const [wanted] = /(?<=^go )\S+/m.exec(textsOf(join(module, "go.mod"))[0] ?? "") ?? [""];
  if (version.localeCompare(wanted, "en", { numeric: true }) < 0)
    return `Go ${wanted} is needed, ${version} is installed`;
  try {
    return await install(version);
  } catch (error) {
    return `the Go modules cannot be installed: ${lastLine(error)}`;
  }
}

async function goVersion(): Promise<string | undefined> {
  try {
    const { code, stdout } = await runToEnd("go", ["env", "GOVERSION"], { env: GO_ENVIRONMENT, cwd: ROOT });
    return code === 0 ? stdout.trim().replace(/^go/, "") : undefined;
  } catch {
    return undefined;
  }
}

function modulesOf(): string[] {
  return textsOf(join(SOURCE, "go.mod"), join(SOURCE, "go.sum"));
}

async function installTools(folder: string): Promise<void> {
  const env = { ...GO_ENVIRONMENT, GOBIN: folder };
  await run("go", ["install", "tool"], { cwd: SOURCE, env, timeoutMs: FIRST_RUN_MS });
}

/** Generates the stubs of the contract with protoc-gen-go and protoc-gen-go-grpc and builds the client with them. */
async function buildClient(version: string, tools: string): Promise<string> {
  const madeFrom = [version, ...modulesOf(), ...textsOf(join(SOURCE, "main.go")), ...contractTexts()];
  const folder = await kept("go-client", madeFrom, async (draft) => {
    await cp(SOURCE, draft, { recursive: true });
    await generateStubs(tools, draft);
    await run("go", ["build", "-o", "client", "."], { cwd: draft, env: GO_ENVIRONMENT, timeoutMs: FIRST_RUN_MS });
  });
  return join(folder, "client");
}

async function generateStubs(tools: string, folder: string): Promise<void> {
  // The rules' own Go package is not to be had without the schema registry: they are generated with the contract.
  const opt = [`module=${MODULE}`, `Mbuf/validate/validate.proto=${MODULE}/gen/go/buf/validate`];
  const plugin = (name: string) => ({ local: [join(tools, name)], out: ".", opt });
  const template = { version: "v2", plugins: [plugin("protoc-gen-go"), plugin("protoc-gen-go-grpc")] };
  const paths = ["--path", "proto/kubernaut", "--path", "third_party/buf"];
  const buf = join(ROOT, "node_modules", ".bin", "buf");
  await run(buf, ["generate", "--template", JSON.stringify(template), "--output", folder, ...paths], { cwd: ROOT });
}
