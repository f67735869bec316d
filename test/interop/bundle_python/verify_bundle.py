"""Verifies a bundle of audit events as docs/integrity.md defines it, with Python's standard library and `cryptography`.

    python verify_bundle.py BUNDLE.tar [VERIFIER_KEY ...]

Everything is recomputed from the archive alone: the content digest, the hash and the place in its chain of each event, its
entry in the log, the root of the log's Merkle tree (RFC 6962), and the signatures. Without a key that is given here, the
keys that came with the bundle are used, which shows no more than that it belongs together.

Ends with 0 and says what it found, or with 1 and names the first thing that is wrong.
"""

import base64
import hashlib
import json
import math
import sys
import tarfile
from decimal import Decimal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Wrong(Exception):
    """What is wrong, and where."""


def need(holds, text):
    if not holds:
        raise Wrong(text)


# --- JSON (RFC 8259), and its one form (RFC 8785, JSON Canonicalization Scheme) ---


def members(pairs):
    """An object, which names no member twice: one of the two would be proven, and the other shown by some programs."""
    need(len(dict(pairs)) == len(pairs), "a member is named twice")
    return dict(pairs)


def whole(text):
    """A number that is written with a fraction or an exponent, and may be whole: 1.0 is 1."""
    value = float(text)
    return int(value) if value.is_integer() else value


def read_json(text):
    return json.loads(text, object_pairs_hook=members, parse_float=whole)


def canonical(value):
    """The one text of a JSON value. Keys are sorted by their UTF-16 code units, numbers written as ECMAScript does."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(float(value))
    return json.dumps(value, ensure_ascii=False)  # strings, true, false and null


def number(value):
    """A double as ECMAScript writes it (ECMA-262, Number::toString): the shortest digits that give it back, as Python's repr."""
    need(math.isfinite(value), "a number is too large")
    if value == 0:
        return "0"
    negative, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, digits))
    point = len(digits) + exponent  # digits before the decimal point
    if 0 < point <= 21:
        text = digits.ljust(point, "0") if point >= len(digits) else f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}e{point - 1:+d}"
    return "-" + text if negative else text


# --- Events and chains ---

CONTENT = """actor_id actor_type cluster_name correlation_id duration_ms error_code error_message_digest event_action event_category
    event_data_digest event_date event_id event_outcome event_timestamp event_type event_version is_sensitive namespace
    parent_event_date parent_event_id recorded_by recorded_time resource_id resource_type retention_days severity""".split()
PLACE = "event_hash previous_event_hash chain_position log_index log_salt entry".split()
PAYLOAD = "event_data error_message salt".split()
REMOVED = "removed correlation_id chain_position event_hash log_index log_salt entry".split()


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def event_hash(event):
    """The hash of an event from its fields. Where its payload was erased, only the digests of it are left."""
    content = {name: event[name] for name in CONTENT if name in event}
    for name in ("event_data", "error_message"):
        if name in event:
            text = canonical(event[name]) if name == "event_data" else event[name]
            content[name + "_digest"] = sha256(f"{event['salt']}{name}\n{text}")
    content["form"] = "kubernaut.audit.event/v1"
    link = bytes.fromhex(event.get("previous_event_hash", "") + sha256(canonical(content)))
    return hashlib.sha256(link).hexdigest()


def entry_of(event):
    """The event's entry in the log: a commitment to its hash and its place in its chain."""
    return sha256(f"kubernaut.audit.entry/v1\n{event['log_salt']}\n{event['chain_position']}\n{event['event_hash']}\n")


def check_event(event, chains):
    """Recomputes an event and holds it against the one before it in its chain, where that is in the bundle."""
    known = REMOVED if "removed" in event else CONTENT + PLACE + PAYLOAD
    need(set(event) <= set(known), f"nothing proves {sorted(set(event) - set(known))}")
    need(type(event["log_index"]) is type(event["chain_position"]) is int, "log_index and chain_position must be whole numbers")
    need("removed" in event or event_hash(event) == event["event_hash"], "event_hash does not follow from the event")
    need(entry_of(event) == event["entry"], "entry does not follow from log_salt, chain_position and event_hash")
    position, before = chains.get(event["correlation_id"], (0, None))
    need(event["chain_position"] > position, "chain_position does not rise")
    if "removed" not in event:
        first = event["chain_position"] == 1
        need(first != ("previous_event_hash" in event), "the first event of a chain, and no other, has no hash before it")
        if event["chain_position"] == position + 1:
            need(event.get("previous_event_hash") == before, "previous_event_hash is not that of the event before")
    chains[event["correlation_id"]] = (event["chain_position"], event["event_hash"])


# --- The Merkle tree (RFC 6962, 2.1), put together from left to right ---


class Tree:
    """Keeps the roots of the perfect subtrees along the right edge, as pairs of size and hash: the largest first."""

    def __init__(self):
        self.size, self.edge = 0, []

    def append(self, width, root):
        need(self.size % width == 0, "a subtree does not begin where it must")
        self.size += width
        while self.edge and self.edge[-1][0] == width:
            root, width = hashlib.sha256(b"\x01" + self.edge.pop()[1] + root).digest(), 2 * width
        self.edge.append((width, root))

    def append_entry(self, entry):
        self.append(1, hashlib.sha256(b"\x00" + bytes.fromhex(entry)).digest())

    def fill(self, gap, end):
        """Appends the subtrees that cover the entries up to `end`, which are not in the bundle."""
        need((gap["first"], gap["last"]) == (self.size, end - 1), f"entries {self.size} to {end - 1} are not proven")
        for root in gap["hashes"]:
            need(self.size < end, "a proof has a hash too many")
            width = 1
            while self.size % (2 * width) == 0 and self.size + 2 * width <= end:
                width *= 2
            hashed = base64.b64decode(root, validate=True)
            need(len(hashed) == 32, "a proof has what is no hash")
            self.append(width, hashed)
        need(self.size == end, "a proof has a hash too few")

    def root(self):
        if not self.edge:
            return hashlib.sha256(b"").digest()
        root = self.edge[-1][1]
        for _, left in reversed(self.edge[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        return root


# --- Signed notes (C2SP signed-note, tlog-cosignature) ---


def read_key(text):
    """A verifier key: what a signature's line says of it, and what checks a signature."""
    name, key_id, material = text.split("+", 2)
    material = base64.b64decode(material, validate=True)
    need(hashlib.sha256(name.encode() + b"\n" + material).hexdigest()[:8] == key_id, f"{text} is no verifier key")
    need(material[0] in (1, 4), f"{name} is a key of an unknown type")
    public = Ed25519PublicKey.from_public_bytes(material[1:])

    def check(signature, note):
        if material[0] == 4:  # a cosigner, which signs the time as well
            time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            note = b"cosignature/v1\ntime %d\n" % time + note
        public.verify(signature, note)

    return (name, key_id), check


def name_of(key):
    return key.split("+")[0]


def signers(note, keys, what):
    """The text of a note, and which of the keys signed it; a signature of a known key that is wrong is an error."""
    text, _, lines = note.rpartition(b"\n\n")
    text += b"\n"
    signed = []
    for line in lines.decode().splitlines():
        dash, name, signature = line.split(" ")
        need(dash == "\u2014", f"{what}: a line of a signature is none")
        signature = base64.b64decode(signature, validate=True)
        for key, (known, check) in keys.items():
            if known == (name, signature[:4].hex()):
                try:
                    check(signature[4:], text)
                except InvalidSignature:
                    raise Wrong(f"{what}: the signature of {name} is wrong") from None
                signed.append(key)
    return text.decode(), signed


# --- The bundle ---


class Bundle:
    def __init__(self, archive):
        self.archive, self.files = archive, []
        self.tree, self.chains = Tree(), {}
        self.lines, self.removed, self.first, self.last = 0, 0, None, None

    def next(self, *names):
        """The next file, which must have one of these names."""
        member = self.archive.next()
        need(member is not None, f"the archive ends before {names[0]}")
        need(member.isreg() and member.name in names, f"{member.name} stands where {names[0]} must")
        content = self.archive.extractfile(member).read()
        digest = hashlib.sha256(content).hexdigest()
        self.files.append({"name": member.name, "size": len(content), "sha256": digest})
        return member.name, content

    def verify(self, given):
        self.next("README.txt")
        checkpoint = self.next("checkpoint")[1]
        origin, size, root = checkpoint.decode().split("\n")[:3]
        size, root = int(size), base64.b64decode(root, validate=True)
        self.parts(size)
        listed = list(self.files)
        manifest_bytes, note = self.next("manifest.json")[1], self.next("manifest.note")[1]
        need(self.archive.next() is None, "the archive has files after its end")

        manifest = read_json(manifest_bytes)
        need(canonical(manifest).encode() == manifest_bytes, "manifest.json is not in its RFC 8785 form")
        keys = {key: read_key(key) for key in given + [key["verifier_key"] for key in manifest["verifier_keys"]]}
        text, signed = signers(note, keys, "manifest.note")
        digest = hashlib.sha256(manifest_bytes).hexdigest()
        need(text == f"kubernaut.audit.bundle/v1\n{origin}\n{digest}\n", "manifest.note is not about this manifest.json")
        need(f"{origin}/export" in map(name_of, signed), "manifest.note is not signed by the export key")
        for file, read in zip(manifest["files"], listed):
            need(file == read, f"{read['name']} is not the file that manifest.json lists")
        need(len(manifest["files"]) == len(listed), "manifest.json lists other files")

        cosigned = signers(checkpoint, keys, "checkpoint")[1]
        need(origin in map(name_of, cosigned), "the checkpoint is not signed by the log's key")
        need(self.tree.root() == root, "entries and proofs do not give the root of the checkpoint")
        found = {"form": "kubernaut.audit.bundle/v1", "origin": origin, "tree_size": size, "root": root.hex(),
                 "events": self.lines - self.removed, "removed": self.removed,
                 "first_log_index": self.first, "last_log_index": self.last}
        for name, value in found.items():
            need(manifest.get(name) == value, f"{name} of manifest.json is {manifest.get(name)}, and should be {value}")
        signed += cosigned
        own = [key for key in given if name_of(key) in (origin, f"{origin}/cosigner", f"{origin}/export")]
        need(not given or set(own or given) & set(signed), "no key that was given signed this")
        return {"events": self.lines - self.removed, "removed": self.removed, "chains": len(self.chains), "origin": origin,
                "tree_size": size, "signed_by": signed, "vouched": [key for key in signed if key in given]}

    def parts(self, size):
        """Events and the proofs of what lies between them, part by part."""
        number = 0
        while True:
            number += 1
            name, content = self.next(f"proof-{number:06}.jsonl", "proof-tail.jsonl")
            gaps = [read_json(line) for line in content.splitlines()]
            if name == "proof-tail.jsonl":
                if self.tree.size < size:
                    need(gaps, "nothing proves the end of the log")
                    self.tree.fill(gaps.pop(0), size)
            else:
                name, content = self.next(f"events-{number:06}.jsonl")
                for line, text in enumerate(content.split(b"\n")[:-1], 1):
                    self.event(text, gaps, size, f"{name}:{line}")
            need(not gaps, f"a line of the proof before {name} covers nothing")
            if name == "proof-tail.jsonl":
                return

    def event(self, text, gaps, size, where):
        event = {}
        try:
            event = read_json(text)
            need(self.tree.size <= event["log_index"] < size, "log_index is taken, or beyond the checkpoint")
            check_event(event, self.chains)
            if event["log_index"] > self.tree.size:
                need(gaps, f"entries {self.tree.size} to {event['log_index'] - 1} are not proven")
                self.tree.fill(gaps.pop(0), event["log_index"])
            self.tree.append_entry(event["entry"])
        except (Wrong, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            of = f"event {event.get('event_id')} (log_index {event.get('log_index')})" if isinstance(event, dict) else "no event"
            raise Wrong(f"{where}: {of}: {error}") from error
        self.lines += 1
        self.removed += "removed" in event
        self.first = event["log_index"] if self.first is None else self.first
        self.last = event["log_index"]


def main(path, *given):
    try:
        with tarfile.open(path, "r|*") as archive:
            print(json.dumps(Bundle(archive).verify(list(given))))
    except (Wrong, tarfile.TarError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        print(f"FAILED {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
