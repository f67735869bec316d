/** What README.txt of every bundle says. */
export const README = `Audit events of Kubernaut DataStorage, with what proves them
==============================================================

This archive holds events of an append-only log, the signed state of that log (its checkpoint), and the hashes that lead from
every event to the checkpoint. It can be checked without the service that made it, its database or a network.

Files, in this order
--------------------
checkpoint            Size and root of the log's Merkle tree, signed (C2SP tlog-checkpoint). Every event here is proven against it.
proof-NNNNNN.jsonl    Hashes of what lies in the log before events of the part with the same number and is not in this archive.
events-NNNNNN.jsonl   The events, one JSON object a line, in the order of the log (log_index).
proof-tail.jsonl      Hashes of what lies behind the last event, up to the checkpoint.
manifest.json         What was asked for (filter), counts, and size and SHA-256 of each file above.
manifest.note         The signature over manifest.json (C2SP signed-note).

How to check it
---------------
With the tool of the project, which needs nothing else:

    datastorage verify FILE.tar --verifier-key 'KEY'

KEY is the public key of the log. Its name is the first line of the file "checkpoint". Get it from whoever runs the service, by another
way than this archive: a key that comes with what it is to prove proves nothing.

By hand:

1. tar -xf FILE.tar in an empty folder. sha256sum of each file must be what manifest.json says, and manifest.json must name every file
   but itself and manifest.note.
2. sha256sum manifest.json must be the third line of manifest.note. The signature line of manifest.note is by the log's export key
   (name: origin/export), those of checkpoint by the log's key (name: origin) and others: Ed25519 over the text before the empty line, as
   C2SP signed-note says.
3. For each event: SHA-256 of its content gives event_hash together with previous_event_hash; event_hash, chain_position and log_salt
   give its entry; SHA-256 of a zero byte and the entry its leaf of the tree. Each line of a proof file has the roots of the largest
   complete subtrees of the entries "first" to "last", left to right. Leaves and subtrees together, in the order of their indexes,
   give the root in the checkpoint (RFC 6962, 2.1).

Every rule, to the byte: docs/integrity.md of the project, "A bundle".

What it proves
--------------
That these events stand in the log where it says, unchanged since the checkpoint was signed. Where the filter in manifest.json is empty: that
the log has no others before the checkpoint. Where it names a correlation alone: that these are its chain from the first event on,
without a gap. It does not prove that what was recorded is true, nor that the same log was shown to everybody: for that, compare checkpoints.
`;
