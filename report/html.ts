/** Text that is already markup. */
export class Html {
  constructor(private readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

/** Marks a text as markup. Never pass text of a user, AWS or a policy. */
export const raw = (markup: string) => new Html(markup);

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export const escape = (text: string) =>
  text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

type Part = Html | string | number | readonly Part[];

const markupOf = (part: Part): string =>
  part instanceof Html
    ? part.toString()
    : Array.isArray(part)
      ? (part as readonly Part[]).map(markupOf).join("")
      : escape(String(part));

/** Builds markup from a template; values that are not markup are escaped. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return raw(
    strings
      .map((string, index) => string + (index < parts.length ? markupOf(parts[index] ?? "") : ""))
      .join(""),
  );
}
