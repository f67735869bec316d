const LONGEST_MESSAGE = 500;
const DEEPEST_CAUSE = 5;

/** Machine-readable facts that errors of Node, PostgreSQL and our own carry, none of which repeats what an event holds. */
const FACTS = [
  "code",
  "kind",
  "syscall",
  "address",
  "port",
  "severity",
  "routine",
  "schema_name",
  "table_name",
  "constraint_name",
];

/**
 * An error as the log may show it: type, message, facts, stack and causes, at most five deep.
 *
 * Only listed properties are taken over, because drivers attach the statement and its parameters, and PostgreSQL the
 * values of a row. Messages are cut at 500 characters, and passwords in URLs are taken out of them.
 */
export function serializeError(error: unknown): unknown {
  return serialize(error, 1);
}

function serialize(error: unknown, depth: number): unknown {
  if (!(error instanceof Error))
    return typeof error === "object" && error !== null ? { type: "not an Error" } : scrub(String(error));
  const properties = new Map<string, unknown>(Object.entries(error));
  const reason = (properties.get("details") as { reason?: unknown } | undefined)?.reason;
  const facts = [...FACTS.map((name) => [name, properties.get(name)] as const), ["reason", reason] as const];
  const aggregated = error instanceof AggregateError ? error.errors : [];
  return {
    type: error.name === "Error" ? error.constructor.name : error.name,
    message: scrub(error.message),
    ...Object.fromEntries(facts.filter(([, value]) => typeof value === "string" || typeof value === "number")),
    stack: frames(error),
    ...(aggregated.length > 0 &&
      depth < DEEPEST_CAUSE && { errors: aggregated.map((one) => serialize(one, depth + 1)) }),
    ...(error.cause !== undefined && depth < DEEPEST_CAUSE && { cause: serialize(error.cause, depth + 1) }),
  };
}

/** The stack without the message in front of it, which would escape the cut. */
function frames({ stack = "" }: Error): string {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join("\n");
}

function scrub(message: string): string {
  const whole = message.replace(/(?<=[a-z]:\/\/)[^/\s@]+@/gi, "");
  return whole.length > LONGEST_MESSAGE ? `${whole.slice(0, LONGEST_MESSAGE)}…` : whole;
}
