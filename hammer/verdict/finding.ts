/** How often something was found, and the first of it, a line each. */
export interface Finding {
  readonly count: number;
  readonly first: readonly string[];
}

/** How many of each kind are told of. */
const TOLD = 20;

/** A finding in the making. */
export class Found implements Finding {
  count = 0;
  readonly first: string[] = [];

  add(tell: () => string): void {
    if (this.count++ < TOLD) this.first.push(tell());
  }
}
