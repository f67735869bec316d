import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { aptSources, parseStanzas } from "./apt_sources.ts";

function etc(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "datastorage-etc-"));
  mkdirSync(join(folder, "apt", "sources.list.d"), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

async function sourcesOf(files: Record<string, string>) {
  const folder = etc(files);
  try {
    return parseStanzas(await aptSources(folder)).map((stanza) => Object.fromEntries(stanza));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the release's own sources are taken, with its backports, and nobody else's", async () => {
  const sources = await sourcesOf({
    "os-release": "ID=debian\nVERSION_CODENAME=bookworm\n",
    "apt/sources.list.d/debian.sources":
      "# comment\nTypes: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n" +
      "Components: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n\n" +
      "Types: deb\nURIs: http://mirror.example/security\nSuites: bookworm-security\nComponents: main\n\n" +
      "Types: deb\nURIs: http://off.example\nSuites: bookworm\nComponents: main\nEnabled: no\n",
    "apt/sources.list.d/other.list": "deb https://other.example nodistro main\n",
  });
  assert.equal(sources.length, 2);
  assert.equal(sources[0]?.["types"], "deb");
  assert.equal(sources[0]?.["suites"], "bookworm bookworm-updates bookworm-backports");
  assert.match(sources[0]?.["signed-by"] ?? "", /BEGIN.*abc.*END/s);
  assert.equal(sources[1]?.["suites"], "bookworm-security");
});

test("the one-line form is read as well, options included", async () => {
  const sources = await sourcesOf({
    "os-release": 'VERSION_CODENAME="noble"\n',
    "apt/sources.list":
      "# deb http://old.example noble main\n" +
      "deb [arch=amd64,arm64 signed-by=/usr/share/keyrings/ubuntu.gpg] http://ubuntu.example/ubuntu noble main universe # ours\n",
  });
  assert.deepEqual(sources, [
    {
      types: "deb",
      uris: "http://ubuntu.example/ubuntu",
      suites: "noble noble-backports",
      components: "main universe",
      architectures: "amd64 arm64",
      "signed-by": "/usr/share/keyrings/ubuntu.gpg",
    },
  ]);
});

test("a machine without a source of its release is told in words", async () => {
  await assert.rejects(
    sourcesOf({ "os-release": "VERSION_CODENAME=bookworm\n" }),
    /no package source of its release \(bookworm\)/,
  );
});
