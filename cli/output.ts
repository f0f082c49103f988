import { stripVTControlCharacters } from "node:util";

const ESCAPE = "\u001b";

/** The colours and weights with which commands mark their own text, and their ends. */
const COLOURS = new RegExp(`(${ESCAPE}\\[(?:1|2|22|31|32|33|39)m)`);

/**
 * Removes control characters but tabs and the ends of lines, and the characters that change the direction of text: text
 * from others (a build, an instance, the journal, an event of AWS) could hide or change what a terminal shows, or write
 * to its clipboard.
 */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "");
}

/** Applies {@link plain} to everything but the colours of commands. */
export function withoutControls(text: string): string {
  return text
    .split(COLOURS)
    .map((part) => (COLOURS.test(part) ? part : plain(part)))
    .join("");
}

/** Writes text and the end of a line to standard output, without control characters. All commands write by this. */
export function print(text: string): void {
  process.stdout.write(`${withoutControls(text)}\n`);
}

/** Writes text and the end of a line to standard error, without control characters. */
export function printError(text: string): void {
  process.stderr.write(`${withoutControls(text)}\n`);
}
