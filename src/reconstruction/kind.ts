import type { RequestEvents } from "./map/request.ts";
import type { MappedObject } from "./trace.ts";
import type { Expectation } from "./validate/expectation.ts";

/** A kind of resource that can be rebuilt: one mapping and a table of what an object of it should have. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  /** JSON Schema (2020-12) of the object; a file of schemas/. */
  readonly schema: object;
  readonly labels: Readonly<Record<string, string>>;
  readonly expectations: readonly Expectation[];
  /** Pure: fills fields from the events of one request. No field but those of metadata means that no event tells of it. */
  map(request: RequestEvents): MappedObject;
}
