import { expect } from "chai";
import * as fc from "fast-check";
import { passesCompose } from "../../../policies/facts/composeEnvFile";
import { printedSeed } from "../../seed";

/**
 * Returns the value that Docker Compose reads from the line `VALUE=<value>` of an environment file, in an environment
 * without variables; undefined if it reads no file with that line.
 *
 * @see https://github.com/compose-spec/compose-go/blob/v2.4.7/dotenv/parser.go
 */
function readByCompose(value: string): string | undefined {
  const source = value.replace(/^[\t\v\f\r \u0085\u00a0]+/, "");
  const [quote = ""] = source;
  if (quote === '"' || quote === "'") return readQuoted(source, quote);
  if (source.includes("\n")) return undefined;
  const [uncommented = ""] = source.split(" #");
  return interpolate(uncommented.trimEnd());
}

/** Reads a value in quotes. Whatever follows the closing quote is read as the next variable. */
function readQuoted(source: string, quote: string): string | undefined {
  const match = new RegExp(`^${quote}((?:\\\\[^]|[^${quote}\\\\])*)${quote}(.*)$`, "s").exec(source);
  if (match === null || match[2] !== "") return undefined;
  const content = String(match[1]).replaceAll(`\\${quote}`, quote);
  if (quote === "'") return content;
  const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", "\\": "\\", '"': '"', $: "$$" };
  return interpolate(content.replace(/\\([nrt\\"$])/g, (whole, letter: string) => escapes[letter] ?? whole));
}

/** @see https://github.com/compose-spec/compose-go/blob/v2.4.7/template/template.go */
function interpolate(text: string): string | undefined {
  if (/(?<!\$)(\$\$)*\$\{(?![_a-z][_a-z0-9]*\})/i.test(text)) return undefined;
  return text.replace(/\$(\$|[_a-z][_a-z0-9]*|\{[_a-z][_a-z0-9]*\})/gi, (_, name) =>
    name === "$" ? "$" : "",
  );
}

/** Values, and what compose-go 2.4.7 read. */
const READ_BY_COMPOSE_GO: [value: string, read: string | undefined][] = [
  ["a$b", "a"],
  ["a#b", "a#b"],
  ["a #b", "a"],
  ['"x"', "x"],
  ['x"y', 'x"y'],
  ["a\\n", "a\\n"],
  ["'", undefined],
  ["$$a", "$a"],
  ["a$1", "a$1"],
  ["${", undefined],
  ["a$", "a$"],
  ["%41", "%41"],
  [" a", "a"],
  ["a b", "a b"],
  ["=x", "=x"],
  [":x", ":x"],
  ["#x", "#x"],
  ["# x", "# x"],
  ["a\tb", "a\tb"],
];

const oneOf = (characters: string) => fc.constantFrom(...Array.from(characters));

/** Texts with the characters that mean something in the file. */
const values = fc.oneof(
  fc.string({ unit: oneOf("aA1_ $#\"'\\{}\n\t=:%-é") }),
  fc.string({ unit: "grapheme" }),
);

describe("policies/facts/composeEnvFile", () => {
  it("is tested with a reader that reads as compose-go does", () => {
    expect(READ_BY_COMPOSE_GO.map(([value]) => [value, readByCompose(value)])).to.deep.equal(
      READ_BY_COMPOSE_GO,
    );
  });

  it("accepts only values that Compose reads unchanged, with and without quotes around them", () => {
    const property = fc.property(values.filter(passesCompose), (value) => {
      expect(readByCompose(value)).to.equal(value);
      expect(readByCompose(`"${value}"`)).to.equal(value);
      expect(readByCompose(`'${value}'`)).to.equal(value);
    });
    fc.assert(property, { numRuns: 2000, seed: printedSeed() });
  });

  it("refuses no value without the characters that it names", () => {
    const property = fc.property(fc.string({ unit: oneOf("aA1_#=:%-+/@<>()[]*&!?.,;|~^é") }), (value) => {
      expect(passesCompose(value)).to.equal(true);
    });
    fc.assert(property, { numRuns: 500, seed: printedSeed() });
  });
});
