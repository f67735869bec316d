// What a superuser of the database can do to the log, and what tells: VerifyChain, fsck, or only a checkpoint kept elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { append, chainEvent, eventId } from "../fsck/append_chains.ts";
import { check } from "../fsck/damaged_store.ts";
import { indexAll, newSigner, ORIGIN, seal } from "./indexed_store.ts";
import { asService, rewriteChain, rewriteLog, type TamperedStore, tamperedStore } from "./tampered_store.ts";

const NOTES = ["checkpoint of size 12", "published checkpoint", "signed checkpoint"];
const FLIPPED = (column: string, byte: number) => `set_byte(${column}, ${byte}, 255 - get_byte(${column}, ${byte}))`;

/** Rewrites rr-1 from place 3 on, and the log with it, so that the database contradicts itself nowhere but in what was signed. */
async function rewriteAll(store: TamperedStore): Promise<void> {
  await store.damage(`UPDATE audit_events SET actor_id = 'nobody' WHERE event_id = '${eventId(1, 3)}'`);
  await rewriteChain(store.admin, 3);
  await rewriteLog(store);
}

const CASES: readonly { name: string; damage: readonly string[]; verified: string[]; checked: string[] }[] = [
  {
    name: "a byte of an entry flipped",
    damage: [`UPDATE audit_log_entries SET entries = ${FLIPPED("entries", 32 * 4)}`],
    verified: ["log_entry@3"],
    checked: ["log.entry@3", "log.tile@tile 0/0, hash 4"],
  },
  {
    name: "a byte of a leaf hash flipped",
    damage: [`UPDATE audit_log_tiles SET hashes = ${FLIPPED("hashes", 32 * 4)}`],
    verified: ["log_entry@3"],
    checked: ["log.tile@tile 0/0, hash 4", ...NOTES.map((name) => `log.note_root@${name}`), "log.root@"],
  },
  {
    name: "entries removed",
    damage: ["DELETE FROM audit_log_entries"],
    verified: [1, 2, 3, 4, 5, 6].map((place) => `log_entry@${place}`),
    checked: ["log.no_entry@indexes 0 to 11"],
  },
  {
    name: "a tile cut short",
    damage: ["UPDATE audit_log_tiles SET hashes = substring(hashes FROM 1 FOR 320)"],
    verified: ["log_entry@6"],
    checked: ["log.no_tile@tile 0/0, from hash 10 on"],
  },
  {
    name: "entries and hashes beyond the log's end",
    damage: [
      "UPDATE audit_log_entries SET entries = entries || sha256('')",
      "UPDATE audit_log_tiles SET hashes = hashes || sha256('')",
      "INSERT INTO audit_log_tiles VALUES (0, 5, sha256('')), (1, 0, sha256('')), (3, 1, sha256(''))",
    ],
    verified: [],
    checked: ["bundle 0", "tile 0/0", "tile 0/5", "tile 1/0", "tile 3/1"].map((name) => `log.width@${name}`),
  },
  {
    name: "the noted root changed",
    damage: ["UPDATE audit_log_state SET root = sha256('')"],
    verified: [],
    checked: ["log.root@"],
  },
  {
    name: "the log's state removed",
    damage: ["DELETE FROM audit_log_state"],
    verified: [1, 2, 3, 4, 5, 6].map((place) => `not_in_log@${place}`),
    checked: ["log.no_state@"],
  },
  {
    name: "the log made shorter than it was signed",
    damage: ["UPDATE audit_log_state SET signed_size = 0, published_size = 0", "UPDATE audit_log_state SET size = 11"],
    verified: [],
    checked: [
      "log.note@published checkpoint",
      "log.note_root@published checkpoint",
      "log.note@signed checkpoint",
      "log.note_root@signed checkpoint",
      "log.width@bundle 0",
      "log.width@tile 0/0",
      "log.beyond_size@6",
      "log.note_size@checkpoint of size 12",
      "log.root@",
    ],
  },
  {
    name: "a signature of another text",
    damage: [`UPDATE audit_log_state SET signed_note = replace(signed_note, E'\\n12\\n', E'\\n11\\n')`],
    verified: [],
    checked: ["log.signature@signed checkpoint", "log.note@signed checkpoint"],
  },
  {
    name: "a checkpoint that is none",
    damage: ["UPDATE audit_log_checkpoints SET note = 'nothing'"],
    verified: [],
    checked: ["log.unreadable_note@checkpoint of size 12"],
  },
  {
    name: "the log's key removed",
    damage: ["DELETE FROM audit_log_keys"],
    verified: [],
    checked: NOTES.map((name) => `log.signature@${name}`),
  },
  {
    name: "a key that is none",
    damage: ["INSERT INTO audit_log_keys (verifier_key, purpose) VALUES ('key', 'log')"],
    verified: [],
    checked: ["log.unreadable_key@key"],
  },
  {
    name: "an origin removed from between others",
    damage: ["INSERT INTO audit_log_origins (origin, number, opened_size) VALUES ('other', 3, 0)"],
    verified: [],
    checked: ["log.origin@other"],
  },
];

for (const { name, damage, verified, checked } of CASES) {
  test(name, async (context) => {
    const store = await tamperedStore(context);
    await store.damage(...damage);
    assert.deepEqual(await store.verified(), verified);
    assert.deepEqual(await store.checked(), checked);
  });
}

test("chain, head and log rewritten: what was signed tells", async (context) => {
  const store = await tamperedStore(context);
  await rewriteAll(store);
  assert.deepEqual(await store.verified(), []);
  // The old checkpoint stands where it stood.
  await store.damage(`UPDATE audit_log_state SET signed_size = 12, published_size = 12`);
  assert.deepEqual(
    await store.checked(),
    NOTES.map((name) => `log.note_root@${name}`),
  );
});

test("chain, head, log, checkpoints and key rewritten: only a checkpoint kept elsewhere, or the key, tells", async (context) => {
  const store = await tamperedStore(context);
  await rewriteAll(store);
  await store.damage(
    "DELETE FROM audit_log_checkpoints; DELETE FROM audit_log_keys; DELETE FROM audit_log_origins",
    "UPDATE audit_log_state SET signed_origin = NULL, signed_note = NULL, signed_root = NULL, published_note = NULL",
  );
  await asService(store.database.url, (sql) => seal(sql, newSigner()));
  assert.deepEqual(await store.verified(), []);
  assert.deepEqual(await store.checked(), []);
  const checkpoint = { name: "kept", note: store.note };
  assert.deepEqual(await store.checked({ checkpoint }), ["log.signature@kept", "log.note_root@kept"]);
  const { verifier } = store.signer;
  assert.deepEqual(await store.checked({ checkpoint, verifier }), [
    "log.signature@checkpoint of size 14",
    "log.note_root@kept",
    "log.signature@published checkpoint",
    "log.signature@signed checkpoint",
  ]);
});

test("hashes of an upper level of tiles: flipped, missing, beyond the log's end", async (context) => {
  const store = await tamperedStore(context);
  await asService(store.database.url, async (sql) => {
    const events = Array.from({ length: 600 }, (_, place) => chainEvent(3, place + 1));
    await append(sql, events);
    await indexAll(sql);
  });
  assert.deepEqual(await store.checked(), []);
  const flip = `UPDATE audit_log_tiles SET hashes = ${FLIPPED("hashes", 32)} WHERE level = 1`;
  await store.damage(flip);
  assert.deepEqual(await store.checked(), ["log.tile@tile 1/0, hash 1"]);
  await store.damage(flip, "UPDATE audit_log_tiles SET hashes = hashes || sha256('') WHERE level = 1");
  assert.deepEqual(await store.checked(), ["log.width@tile 1/0"]);
  await store.damage("DELETE FROM audit_log_tiles WHERE level = 1");
  assert.deepEqual(await store.checked(), ["log.no_tile@tile 1/0, hash 0", "log.no_tile@tile 1/0, hash 1"]);
});

test("a checkpoint that the log has not signed, but its cosigner", async (context) => {
  const store = await tamperedStore(context);
  await store.damage("UPDATE audit_log_keys SET purpose = 'cosigner'");
  assert.deepEqual(
    await store.checked(),
    NOTES.map((name) => `log.signature@${name}`),
  );
});

test("a database of an older state: the checkpoint kept elsewhere is of a larger tree", async (context) => {
  const store = await tamperedStore(context);
  const note = await asService(store.database.url, async (sql) => {
    await indexAll(sql);
    return seal(sql, store.signer);
  });
  const older = await tamperedStore(context);
  const outside = { checkpoint: { name: "kept", note }, verifier: store.signer.verifier };
  const { found } = await check(older.database.url, { outside });
  assert.deepEqual(
    found.filter(({ kind }) => kind === "note_size"),
    [{ check: "log", kind: "note_size", name: "kept", expected: "14 entries", found: "12" }],
  );
});

test("a checkpoint of another log, and one of an origin that was left", async (context) => {
  const store = await tamperedStore(context);
  const foreign = newSigner("other.test/audit");
  const text = store.note.split("\n\n")[0]?.replace(ORIGIN, "other.test/audit") ?? "";
  const { name, keyId, bytes } = foreign.sign(`${text}\n`);
  const note = `${text}\n\n— ${name} ${Buffer.concat([keyId, bytes]).toString("base64")}\n`;
  assert.deepEqual(
    (await store.checked({ checkpoint: { name: "kept", note }, verifier: foreign.verifier })).at(0),
    "log.kept_origin@kept",
  );
  // The tree contradicts what was signed under the old origin, and this was said when the new one was opened.
  await store.damage(
    `UPDATE audit_log_state SET signed_note = NULL, published_note = NULL, signed_size = 0, published_size = 0`,
    "DELETE FROM audit_log_checkpoints",
    "INSERT INTO audit_log_origins (origin, number, opened_size, contradicted_checkpoint) VALUES ('new', 2, 12, 'x')",
  );
  const { found, notes } = await check(store.database.url, {
    outside: { checkpoint: { name: "kept", note: store.note.replace(/\n12\n/, "\n99\n") }, verifier: undefined },
  });
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ["signature"],
  );
  assert.match(notes[0]?.text ?? "", /^kept is of log\.test\/audit, which the log left/);
});
