import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyError, type ErrorClass, isConnectionLost } from "./errors.ts";

/** As postgres.js throws what a server reported. */
function reported(code: string, constraint?: string): Error {
  return Object.assign(new Error(code), {
    code,
    severity: "ERROR",
    ...(constraint && { constraint_name: constraint }),
  });
}

/** As postgres.js and Node throw what happened to a connection. */
function local(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const CLASSES: Readonly<Record<ErrorClass, readonly Error[]>> = {
  transient: [
    ...["08006", "53100", "53300", "57P01", "57P03", "57014", "25006", "58030", "23514"].map((code) => reported(code)),
    ...[
      "CONNECTION_CLOSED",
      "CONNECT_TIMEOUT",
      "ECONNREFUSED",
      "ENOTFOUND",
      "EPIPE",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ].map(local),
  ],
  again: ["40001", "40P01", "55P03"].map((code) => reported(code)),
  permanent: [
    ...["22001", "22P02", "22P05", "23502", "54000"].map((code) => reported(code)),
    reported("23514", "audit_events_outcome"),
  ],
  defect: [
    ...["42P01", "42501", "42883", "23505", "XX000"].map((code) => reported(code)),
    local("ERR_INVALID_ARG_TYPE"),
    Object.assign(new Error("ENOENT of a file"), { code: "ENOENT", syscall: "scandir", path: "migrations" }),
    new TypeError("x is not a function"),
  ],
};

for (const [wanted, errors] of Object.entries(CLASSES)) {
  for (const error of errors) {
    test(`${error.message}${"constraint_name" in error ? " of a constraint" : ""} is ${wanted}`, () => {
      assert.equal(classifyError(error), wanted);
    });
  }
}

test("a connection is lost by its own errors and the server's goodbye, not by a statement's", () => {
  for (const error of [local("ECONNRESET"), local("CONNECTION_CLOSED"), reported("57P01"), reported("08006")]) {
    assert.equal(isConnectionLost(error), true, error.message);
  }
  for (const error of [reported("57014"), reported("53300"), reported("40001"), new TypeError("defect"), undefined]) {
    assert.equal(isConnectionLost(error), false);
  }
});
