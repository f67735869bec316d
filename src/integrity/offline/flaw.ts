/** Where something is wrong. */
export interface Place {
  /** A file of the archive, or one that was given. */
  readonly file?: string;
  /** Line of the file, from 1. */
  readonly line?: number;
  /** The event, as its line names it; undefined where it names none. */
  readonly eventId?: string | undefined;
  readonly logIndex?: number | undefined;
}

/** What was given does not prove what it claims: the first thing that is wrong, and where. Its message tells both. */
export class Flaw extends Error {
  /** What is wrong, without the place. */
  readonly what: string;
  readonly place: Place;

  constructor(what: string, place: Place = {}, options?: ErrorOptions) {
    super(`${placeText(place)}${what}`, options);
    this.name = "Flaw";
    this.what = what;
    this.place = place;
  }
}

/** `events-000001.jsonl:17: event 0199… (log_index 42): ` */
function placeText({ file, line, eventId, logIndex }: Place): string {
  const index = logIndex === undefined ? "" : `log_index ${logIndex}`;
  const event = eventId === undefined ? index : `event ${eventId}${index && ` (${index})`}`;
  const at = file === undefined ? "" : line === undefined ? file : `${file}:${line}`;
  return [at, event].map((part) => part && `${part}: `).join("");
}
