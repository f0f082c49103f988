import type { Kind, Note } from "./note";

/** The groups of notes with their headings, in the order of urgency. */
const HEADINGS: Record<Kind, string> = {
  decide: "Must be decided",
  unknown: "Unknown",
  changes: "Changes",
  "taken over": "Taken over",
};

const KINDS = Object.keys(HEADINGS) as Kind[];

/** The report as lines for a terminal. */
export function terminalReport(notes: readonly Note[]): string {
  return grouped(notes)
    .map(([kind, found]) =>
      [
        `${HEADINGS[kind]} (${found.length}):`,
        ...found.map(({ fix, what, why }) =>
          [
            `  - ${what}`,
            ...(why === undefined ? [] : [`    ${why}`]),
            ...(fix === undefined ? [] : [`    ${fix}`]),
          ].join("\n"),
        ),
      ].join("\n"),
    )
    .join("\n\n");
}

/** The report as a Markdown page. */
export function markdownReport(title: string, notes: readonly Note[]): string {
  const groups = grouped(notes).map(([kind, found]) =>
    [
      `## ${HEADINGS[kind]}`,
      "",
      ...found.map(({ fix, what, why }) =>
        [
          `- **${escape(what)}**`,
          ...(why === undefined ? [] : [`  ${escape(why)}`]),
          ...(fix === undefined ? [] : [`  \`${fix}\``]),
        ].join("\n"),
      ),
    ].join("\n"),
  );
  return [`# ${escape(title)}`, ...groups, ""].join("\n\n");
}

function grouped(notes: readonly Note[]): [Kind, Note[]][] {
  return KINDS.map((kind): [Kind, Note[]] => [kind, notes.filter((note) => note.kind === kind)]).filter(
    ([, found]) => found.length > 0,
  );
}

/** Names of AWS can contain signs of Markdown and HTML. */
function escape(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>]/g, "\\$&");
}
