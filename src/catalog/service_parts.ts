import type { CatalogChanges } from "./change/changes.ts";
import type { Discovery } from "./discovery/discovery.ts";
import type { CatalogReader } from "./read/catalog_reader.ts";

/** What the calls of CatalogService need. */
export interface CatalogServiceParts {
  readonly changes: CatalogChanges;
  readonly reader: CatalogReader;
  readonly discovery: Discovery;
}
