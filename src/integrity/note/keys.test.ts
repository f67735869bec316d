import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { deriveKey, newPrivateKey, readPrivateKeys } from "./keys.ts";

// RFC 8410, section 10.3: the example of a private key.
const RFC8410 = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`;
const RFC8410_PUBLIC = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

test("the key of RFC 8410 is read, with text around it and with escaped line feeds", () => {
  for (const pem of [RFC8410, `a comment\n${RFC8410}and more`, RFC8410.replaceAll("\n", "\\n"), RFC8410.trim()]) {
    const [key] = readPrivateKeys(pem);
    assert.equal(
      key?.export({ format: "jwk" }).x,
      Buffer.from(RFC8410_PUBLIC, "base64").subarray(-32).toString("base64url"),
    );
  }
});

test("several keys come in their order", () => {
  const [one, two] = [newPrivateKey(), newPrivateKey()];
  const keys = readPrivateKeys(`${one}\n${two}`);
  assert.equal(keys.length, 2);
  assert.ok(keys[0]?.equals(readPrivateKeys(one)[0]!));
  assert.ok(keys[1]?.equals(readPrivateKeys(two)[0]!));
});

test("what is no Ed25519 private key is refused by its place, and nothing of it is told", () => {
  const { privateKey: curve } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ed = generateKeyPairSync("ed25519");
  const secret = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp";
  const wrong: [string, string][] = [
    ["", "no PEM block is in it"],
    ["not a key", "no PEM block is in it"],
    [RFC8410.replace("-----END PRIVATE KEY-----", ""), "no PEM block is in it"],
    [RFC8410.replace("+K06/nwoy/HU++CXqI9EdVhC", ""), "PEM block 1 cannot be read"],
    [RFC8410 + curve.export({ type: "pkcs8", format: "pem" }), "PEM block 2 holds a key for ec"],
    [curve.export({ type: "sec1", format: "pem" }) as string, "PEM block 1 is labelled EC PRIVATE KEY"],
    [ed.publicKey.export({ type: "spki", format: "pem" }) as string, "PEM block 1 is labelled PUBLIC KEY"],
    [
      ed.privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }) as string,
      "PEM block 1 is labelled ENCRYPTED PRIVATE KEY",
    ],
    [RFC8410 + newPrivateKey() + RFC8410, "PEM blocks 1 and 3 hold the same key"],
  ];
  for (const [pem, message] of wrong) {
    assert.throws(
      () => readPrivateKeys(pem),
      (error: Error) => {
        assert.ok(error.message.startsWith(message), error.message);
        assert.ok(!error.message.includes(secret.slice(8)) && error.cause === undefined);
        return true;
      },
    );
  }
});

test("each purpose has a key of its own, the same each time", () => {
  const [key] = readPrivateKeys(RFC8410) as [ReturnType<typeof deriveKey>];
  assert.ok(deriveKey(key, "cosigner").equals(deriveKey(key, "cosigner")));
  assert.ok(!deriveKey(key, "cosigner").equals(deriveKey(key, "export")));
  assert.ok(!deriveKey(key, "cosigner").equals(key));
});
