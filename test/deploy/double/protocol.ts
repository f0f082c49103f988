/** A request to the double, whether it came over a socket or not. */
export interface DoubleRequest {
  method: string;
  /** Decoded path. */
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: Buffer;
}

export interface DoubleResponse {
  status: number;
  headers: Record<string, string>;
  body: Buffer | string;
}

/** An error that AWS answers with. */
export class AwsFault extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

export interface Xml {
  [name: string]: string | number | boolean | Date | undefined | Xml | Xml[] | string[];
}

export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/**
 * XML of nested values; lists become repeated elements.
 *
 * @param items Name of the elements of the lists that have another one than `item`, by the list's name.
 */
export function toXml(values: Xml, item: string, items: Readonly<Record<string, string>> = {}): string {
  let text = "";
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) {
      const element = items[name] ?? item;
      const elements = value.map((one) =>
        typeof one === "string"
          ? `<${element}>${escapeXml(one)}</${element}>`
          : `<${element}>${toXml(one, item, items)}</${element}>`,
      );
      text += `<${name}>${elements.join("")}</${name}>`;
    } else if (value instanceof Date) text += `<${name}>${value.toISOString()}</${name}>`;
    else if (typeof value === "object") text += `<${name}>${toXml(value, item, items)}</${name}>`;
    else text += `<${name}>${escapeXml(String(value))}</${name}>`;
  }
  return text;
}

/** The members of a list in a query: `Name.member.1`, `Name.member.2`, ... */
export function listOf(form: URLSearchParams, name: string): string[] {
  const values: string[] = [];
  for (let index = 1; ; index += 1) {
    const value = form.get(`${name}.member.${index}`);
    if (value === null) return values;
    values.push(value);
  }
}
