// What a user of `datastorage tail` sees, against the running service.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { run } from "../../src/cli/run.ts";
import { freePort } from "../../src/embedded/port.ts";
import { type AuditTestService, newEvents, startAuditService } from "../support/audit_service.ts";
import { range } from "../support/tail_caller.ts";
import { datastorage } from "./datastorage.ts";

/** A `datastorage` that runs within this process while the test goes on. */
class Following {
  stdout = "";
  stderr = "";
  readonly ended: Promise<number>;
  readonly #stop = new AbortController();
  #wrote = () => {};

  constructor(args: readonly string[]) {
    const output = (name: "stdout" | "stderr") => ({
      isTerminal: false,
      columns: undefined,
      write: async (text: string) => {
        this[name] += text;
        this.#wrote();
      },
    });
    const stdin = (async function* (): AsyncGenerator<Uint8Array> {})();
    this.ended = run(args, {
      stdout: output("stdout"),
      stderr: output("stderr"),
      stdin,
      env: {},
      signal: this.#stop.signal,
    });
  }

  async until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      await new Promise<void>((resolve) => {
        this.#wrote = resolve;
      });
    }
  }

  get lines(): string[] {
    return this.stdout.split("\n").slice(0, -1);
  }

  interrupt(): Promise<number> {
    this.#stop.abort("SIGINT");
    return this.ended;
  }
}

describe("datastorage tail", { timeout: 60_000 }, () => {
  let service: AuditTestService;
  let env: Record<string, string>;
  const ended: (() => Promise<void>)[] = [];
  before(async () => {
    env = { DATASTORAGE_ADDRESS: `127.0.0.1:${await freePort()}` };
    service = await startAuditService({ after: (hook) => void ended.push(hook) }, env);
    await service.client.recordEvents({ events: newEvents(5, { correlationId: "rr-a" }) });
    await service.client.recordEvents({ events: newEvents(5, { correlationId: "rr-b", eventType: "analysis.done" }) });
  });
  after(async () => {
    for (const end of ended) await end();
  });

  const tail = (...args: string[]) => ["tail", ...args, "--address", service.address];
  const places = (lines: readonly string[]) =>
    lines.map((line) => Number((JSON.parse(line) as { log_index: string }).log_index));

  test("goes on by itself over a restart of the service; Ctrl-C tells from where to go on", async () => {
    const following = new Following(tail("--json"));
    await following.until(() => following.lines.length === 10);
    const { client } = await service.restart(env);
    await client.recordEvents({ events: newEvents(3, { correlationId: "rr-c" }) });
    await following.until(() => following.lines.length === 13);
    assert.deepEqual(places(following.lines), range(0, 13));
    assert.match(
      following.stderr,
      /^the service answered UNAVAILABLE \(CONNECTION_DRAINING\).*\nGoing on behind log index 9\.\n/,
    );
    assert.equal(await following.interrupt(), 130);
    assert.match(following.stderr, /\nTo go on from here: --after-log-index 12\n$/);
  });

  test("prints lines as list does, with the place in the log, and ends where it is told to", async () => {
    const { code, stdout, stderr } = await datastorage(tail("--until-now", "--event-types", "analysis.*"));
    assert.equal(code, 0);
    const [heading, ...lines] = stdout.trimEnd().split("\n");
    assert.match(heading ?? "", /^LOG INDEX +TIME \(UTC\) +TYPE +OUTCOME +CORRELATION +ACTOR +RESOURCE +EVENT ID$/);
    assert.equal(lines.length, 5);
    for (const line of lines) assert.match(line, /^[5-9] +\d{4}-\d\d-\d\d [\d:.]+ +analysis\.done +success +rr-b +/);
    assert.equal(stderr, "To go on from here: --after-log-index 12\n");
  });

  test("goes on behind a place, and from now", async () => {
    const rest = await datastorage(tail("--until-now", "--json", "--after-log-index", "10"));
    assert.deepEqual(places(rest.stdout.trim().split("\n")), [11, 12]);
    const now = await datastorage(tail("--from-now", "--until-now", "--json"));
    assert.deepEqual([now.code, now.stdout], [0, ""]);
  });

  test("says which events are no longer stored", async () => {
    await service.admin.begin(async (sql) => {
      await sql`SET LOCAL session_replication_role = replica`;
      await sql`DELETE FROM audit_events WHERE correlation_id = 'rr-b' AND chain_position < 4`;
    });
    const { stdout, stderr } = await datastorage(tail("--until-now", "--json"));
    assert.deepEqual(places(stdout.trim().split("\n")), [...range(0, 5), ...range(8, 13)]);
    assert.match(stderr, /^The events of log indexes 5 to 7 are no longer stored\.\n/);
  });

  test("what cannot be is refused with what to do about it", async () => {
    const shorter = await datastorage(tail("--after-log-index", "99"));
    assert.deepEqual([shorter.code, shorter.stdout], [3, ""]);
    assert.match(
      shorter.stderr,
      /FAILED_PRECONDITION \(LOG_SHORTER\): the log does not reach index 99: it has 13 entries/,
    );
    const both = await datastorage(tail("--after-log-index", "1", "--from-now"));
    assert.equal(both.code, 2);
    const nobody = await datastorage(["tail", "--address", `127.0.0.1:${await freePort()}`]);
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /^datastorage: the service at .* cannot be reached/);
  });
});
