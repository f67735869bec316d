/** A member of a JSON object with its value as it stands in the text. */
export interface Member {
  readonly name: string;
  /** Source text of the value, without white space around it. */
  readonly text: string;
}

/**
 * The members of the outermost object of a JSON text, in the order of the text and with names that stand twice. Parsing
 * would change numbers that a double cannot hold and drop all but the last of a name; the source text keeps both.
 *
 * `json` MUST be a valid JSON object (as JSON.parse has found).
 */
export function membersOf(json: string): Member[] {
  const members: Member[] = [];
  let at = json.indexOf("{") + 1;
  for (;;) {
    const nameAt = json.indexOf('"', at);
    if (nameAt < 0) return members;
    const nameEnd = endOfString(json, nameAt);
    const valueAt = json.indexOf(":", nameEnd) + 1;
    const valueEnd = endOfValue(json, valueAt);
    const name = JSON.parse(json.slice(nameAt, nameEnd)) as string;
    members.push({ name, text: json.slice(valueAt, valueEnd).trim() });
    if (json[valueEnd] === "}") return members;
    at = valueEnd + 1;
  }
}

/** Index of the comma or brace that ends a value of the outermost object. */
function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let at = start; ; at++) {
    switch (json[at]) {
      case '"':
        at = endOfString(json, at) - 1;
        break;
      case "{":
      case "[":
        depth += 1;
        break;
      case "}":
      case "]":
        if (depth === 0) return at;
        depth -= 1;
        break;
      case ",":
        if (depth === 0) return at;
        break;
    }
  }
}

/** Index after the closing quote of a string. */
function endOfString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); ; quote = json.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (json[before] === "\\") before -= 1;
    if ((quote - before) % 2 === 1) return quote + 1;
  }
}
