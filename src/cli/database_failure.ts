import { Fault } from "../fault.ts";
import { classifyError } from "../postgres/errors.ts";
import { StartFailure } from "./failure.ts";

/** A database that is away, or that refuses, is no defect of ours: its own words say what to do. */
export function asDatabaseFailure(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return error;
  const away = classifyError(error) === "transient" ? "the database cannot be used now" : "the database refuses";
  return new StartFailure(`${away}: ${error.message} (${code})`, { cause: error });
}
