/** What no note may hold: an ASCII control character other than the line feed (C2SP signed-note, Format). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
export const CONTROL_CHARACTER = /[\u0000-\u0009\u000b-\u001f]/;
