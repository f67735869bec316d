import { pathText } from "../../audit/payload.ts";
import type { Violation } from "../../fault.ts";

/** Where a value stands: `["spec", "parameters", 3, "default"]`. */
export type Path = readonly (string | number)[];

/** Violations and warnings that are told of one content; the first count. */
export const MOST_TOLD = 50;

/** What is found in a content: rules that it breaks, and what is worth a warning. In the order in which it is looked at. */
export class Findings {
  readonly violations: Violation[] = [];
  readonly #warnings: string[] = [];
  readonly #fields = new Set<string>();
  #unsaid = 0;

  /** Notes that the value at `path` breaks a rule (`must …`). Of one value the first rule is told. */
  must(path: Path, rule: string): void {
    const field = pathText(path);
    if (this.violations.length >= MOST_TOLD || this.#fields.has(field)) return;
    this.#fields.add(field);
    this.violations.push({ field, description: rule });
  }

  /** Notes what is taken and still worth telling. */
  warn(path: Path, text: string): void {
    if (this.#warnings.length < MOST_TOLD) this.#warnings.push(`${pathText(path)}: ${text}`);
    else this.#unsaid++;
  }

  /** `path: text` each; after the first 50 how many more there are. */
  get warnings(): string[] {
    return this.#unsaid === 0 ? this.#warnings : [...this.#warnings, `and ${this.#unsaid} more of this kind`];
  }
}
