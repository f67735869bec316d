import type { Fault } from "../../fault.ts";
import type { PreparedEvent } from "../prepare.ts";

/** Where events wait that the database cannot take now. */
export interface Overflow {
  /** Whether it takes events now: it can be reached, and what it takes is durable. */
  readonly takes: boolean;
  /** Why it takes none: `unavailable`, with what a caller is told. */
  readonly refusal: Fault;
  /** The part of its bound on entries that is used: 0 to 1. */
  readonly fill: number;
  /** Whether anything waits there that later events must go behind. */
  readonly holdsAny: boolean;
  /** Whether earlier events of this correlation wait there, so that later ones must go behind them. */
  holds(correlationId: string): boolean;
  /** Whether so little is before a held correlation's turn that to wait a moment is better than to queue behind. */
  nearlyReleased(correlationId: string): boolean;
  /**
   * Keeps the events, in order within each correlation; resolves when they are on disk.
   *
   * @param cause What the database said; absent where the events only go behind others.
   * @throws Fault `exhausted` when it is full, `unavailable` when it cannot tell: then the fate of all is unknown.
   */
  add(events: readonly PreparedEvent[], cause: unknown): Promise<void>;
}
