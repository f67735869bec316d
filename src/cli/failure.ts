import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { ConfigError } from "../config/config.ts";
import { Fault, type Violation } from "../fault.ts";
import { codeName } from "../rpc/errors.ts";
import { EXIT, type ExitCode, UsageError } from "./exit_code.ts";
import { printable } from "./text.ts";

/** What is said about a failure, and how the process ends. */
export interface Failure {
  /** Lines for people. */
  readonly text: string;
  readonly exit: ExitCode;
  /** What the service said, in the parts that a program looks at. */
  readonly answer?: Answer;
}

interface Answer {
  /** Canonical name of the code, such as `INVALID_ARGUMENT`. */
  readonly code: string;
  readonly reason?: string;
  readonly message: string;
  readonly violations: readonly Violation[];
}

/** It could not begin or go on, for a reason that the message tells in full: no stack is worth showing. */
export class StartFailure extends Error {}

/** Describes whatever a command threw. `url`: where the service was looked for, for commands that talk to one. */
export function describeFailure(error: unknown, url = "the given address"): Failure {
  if (error instanceof ConfigError || error instanceof UsageError) return { text: error.message, exit: EXIT.usage };
  if (error instanceof Fault || error instanceof StartFailure) return { text: error.message, exit: EXIT.failed };
  if (error instanceof ConnectError) return describeCallFailure(error, url);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `a defect of the command line: ${text}`, exit: EXIT.failed };
}

/** A failure as one line of JSON, for programs. */
export function failureJson({ text, answer }: Failure): string {
  return JSON.stringify({ error: { ...(answer ?? { message: text }) } });
}

const EXIT_OF_CODE: Readonly<Partial<Record<Code, ExitCode>>> = {
  [Code.InvalidArgument]: EXIT.usage,
  [Code.NotFound]: EXIT.notFound,
  [Code.FailedPrecondition]: EXIT.refused,
  [Code.Aborted]: EXIT.refused,
};

function describeCallFailure(error: ConnectError, url: string): Failure {
  const [info] = error.findDetails(ErrorInfoSchema);
  const advice = info === undefined ? connectionAdvice(error, url) : undefined;
  if (advice !== undefined) return { text: advice, exit: EXIT.failed };
  const code = codeName(error.code);
  const violations = error
    .findDetails(BadRequestSchema)
    .flatMap(({ fieldViolations }) => fieldViolations.map(({ field, description }) => ({ field, description })));
  const reason = info?.reason;
  const told = reason === undefined || reason === code ? "" : ` (${printable(reason)})`;
  const lines = violations.map(
    ({ field, description }) => `\n  ${field === "" ? "" : `${printable(field)}: `}${printable(description)}`,
  );
  return {
    text: `the service answered ${code}${told}: ${printable(error.rawMessage)}${lines.join("")}`,
    exit: EXIT_OF_CODE[error.code] ?? EXIT.failed,
    answer: { code, ...(reason !== undefined && { reason }), message: error.rawMessage, violations },
  };
}

/** What to do about a service that cannot be talked to at all, by what the operating system or TLS said. */
function connectionAdvice(error: ConnectError, url: string): string | undefined {
  const cause = systemCode(error);
  if (cause !== undefined && TRUST_CODES.has(cause)) {
    return `${url} shows a certificate that is not trusted (${cause}): name the authority that signed it with --ca-file FILE`;
  }
  if (cause === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the certificate at ${url} is for another name (${cause}): use a name that it holds in --address`;
  }
  if (cause !== undefined && /^ERR_SSL_.*CERTIFICATE|^ERR_SSL_.*_UNKNOWN_CA/.test(cause)) {
    return `${url} asks for a certificate that it trusts (${cause}): show one with --client-cert-file and --client-key-file`;
  }
  if (cause?.startsWith("ERR_SSL_") === true || cause === "EPROTO") {
    return `${url} does not speak TLS as asked (${cause}): without TLS the address is http://…, without --tls and its files`;
  }
  if (error.code === Code.DeadlineExceeded) return `${url} did not answer in time; --timeout gives it longer`;
  if (!BROKEN.has(error.code) && cause === undefined) return undefined;
  const why = cause ?? printable(error.rawMessage);
  return (
    `the service at ${url} cannot be reached (${why}). ` +
    "Is it running (`npm start` or `datastorage serve`)? Is this its address (--address or DATASTORAGE_ADDRESS)? " +
    "Does it ask for TLS (--tls)?"
  );
}

/** Codes that a connection may break with. The service's own errors carry an ErrorInfo besides. */
const BROKEN = new Set([Code.Unavailable, Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown]);

const TRUST_CODES = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
]);

function systemCode(error: unknown): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string") return code;
  }
  return undefined;
}
