/** The part of a structured logger that the embedded servers need; pino's satisfies it. */
export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}
