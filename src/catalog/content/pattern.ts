import { RE2JS } from "re2js";

/** Says that the patterns of a content cost too much to be compiled on the thread that serves. */
export class PatternsAside extends Error {}

/**
 * Compiles the patterns of one content and matches them. RE2 takes time in proportion to the size of the pattern, counted
 * repetitions written out (`a{1000}`), and of the text: a few kilobytes can take seconds.
 */
export class Patterns {
  readonly #costly: boolean;
  #characters = 0;

  /** `costly`: whatever it takes. Else PatternsAside is thrown where it could take more than some 10 ms. */
  constructor(costly: boolean) {
    this.#costly = costly;
  }

  /** Undefined where it is no pattern of RE2. */
  compile(pattern: string): RE2JS | undefined {
    this.#spend(pattern.includes("{") ? Number.POSITIVE_INFINITY : pattern.length * COMPILE_WEIGHT);
    try {
      return RE2JS.compile(pattern);
    } catch {
      return undefined;
    }
  }

  /** Whether the pattern matches somewhere in the text. */
  matches(pattern: RE2JS, text: string): boolean {
    this.#spend(pattern.pattern().length * text.length);
    return pattern.matcher(text).find();
  }

  #spend(characters: number): void {
    this.#characters += characters;
    if (!this.#costly && this.#characters > MOST_HERE) throw new PatternsAside();
  }
}

/** Characters of a pattern times characters of a text. */
const MOST_HERE = 500_000;
const COMPILE_WEIGHT = 250;
