import { loadAll } from "js-yaml";

/** A document of a file, as it is sent. */
export interface CatalogDocument {
  /** Its text. */
  readonly content: string;
  /** Where it begins, counted from 1, in a file with several of its kind. */
  readonly line?: number;
}

/**
 * The documents of a kind in YAML or JSON text. One alone is sent with all that stands around it; of several each is cut out
 * for itself, because the service takes one at a time; such text was found to be YAML already, so that what the service says of
 * it names paths and no lines. Text that is no YAML is given back whole: the service tells what is
 * wrong with it, as it does for people who do without this program.
 */
export function documentsOf(kind: string, text: string): CatalogDocument[] {
  // Text that does not even name the kind may be of any other language, such as templates of YAML.
  if (!text.includes(kind)) return [];
  const wanted = kindCount(kind, text);
  if (wanted === undefined) return [{ content: text }];
  if (wanted < 2) return wanted === 0 ? [] : [{ content: text }];
  const found = [...cutApart(text)].filter(({ content }) => kindCount(kind, content) === 1);
  return found.length === wanted ? found : [{ content: text }];
}

/** Undefined for what is no YAML. */
function kindCount(kind: string, text: string): number | undefined {
  try {
    return loadAll(text).filter((document) => isOfKind(kind, document)).length;
  } catch {
    return undefined;
  }
}

function isOfKind(kind: string, document: unknown): boolean {
  return typeof document === "object" && document !== null && (document as { kind?: unknown }).kind === kind;
}

/** A line that parts documents: in YAML it can stand in no string and in no other value (YAML 1.2.2, 9.1.2). */
const MARKER = /^---(?=[ \t\r]|$)/;

function* cutApart(text: string): Generator<Required<CatalogDocument>> {
  const lines = text.split("\n");
  const starts = lines.flatMap((line, index) => (MARKER.test(line) ? [index] : []));
  for (const [index, start] of [0, ...starts].entries()) {
    const end = starts[index] ?? lines.length;
    if (end > start) yield { content: lines.slice(start, end).join("\n"), line: start + 1 };
  }
}
