/** A rule that a field of a request breaks: `field` is a path such as `events[3].event_type`, `description` says the rule. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/**
 * What went wrong, in words that every layer shares; rpc/errors.ts turns each kind into one gRPC status.
 *
 * - `invalid`: the request breaks rules (INVALID_ARGUMENT); nothing was changed.
 * - `not_found`: the named thing does not exist (NOT_FOUND).
 * - `precondition`: the state does not allow it now (FAILED_PRECONDITION).
 * - `out_of_range`: it lies beyond what there is by now (OUT_OF_RANGE).
 * - `aborted`: the state is not the one that the caller built on (ABORTED); nothing was changed, look again.
 * - `exhausted`: the service can take no more for the moment (RESOURCE_EXHAUSTED, with RetryInfo).
 * - `unavailable`: a store cannot be reached or refuses for now (UNAVAILABLE, with RetryInfo); the fate of what was sent is unknown.
 * - `deadline`: the caller's deadline passed (DEADLINE_EXCEEDED); the fate of what was sent is unknown.
 * - `denied`: the principal may not do this (PERMISSION_DENIED).
 */
export type FaultKind =
  | "invalid"
  | "not_found"
  | "precondition"
  | "out_of_range"
  | "aborted"
  | "exhausted"
  | "unavailable"
  | "deadline"
  | "denied";

export interface FaultDetails {
  /** UPPER_SNAKE reason for ErrorInfo, such as `DATABASE_UNAVAILABLE`. */
  readonly reason: string;
  readonly violations?: readonly Violation[];
  /** Milliseconds after which a retry makes sense; for `exhausted` and `unavailable`. */
  readonly retryAfterMs?: number;
  /** The thing that was not found. */
  readonly resource?: { readonly type: string; readonly name: string };
  /** Further facts for ErrorInfo.metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** The one error type that rules and stores throw for what a caller or operator can act on. Anything else thrown is a defect. */
export class Fault extends Error {
  readonly kind: FaultKind;
  readonly details: FaultDetails;

  constructor(kind: FaultKind, message: string, details: FaultDetails) {
    super(message, { cause: details.cause });
    this.name = "Fault";
    this.kind = kind;
    this.details = details;
  }
}

/** A fault for a request that breaks rules. */
export function invalid(violations: readonly Violation[]): Fault {
  const text = violations
    .map(({ field, description }) => (field === "" ? description : `${field}: ${description}`))
    .join("; ");
  return new Fault("invalid", text, { reason: "INVALID_ARGUMENT", violations });
}
