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
export function toXml(values: Xml, item = "member", items: Readonly<Record<string, string>> = {}): string {
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

/** The members of a list of texts in a query, whatever the protocol names its elements. */
export function itemsOf(form: URLSearchParams, name: string): string[] {
  const keys = [...form.keys()].filter((key) => key.startsWith(`${name}.`));
  return keys
    .filter((key) => /^\.\w+\.\d+$/.test(key.slice(name.length)))
    .sort((one, other) => Number(one.split(".").at(-1)) - Number(other.split(".").at(-1)))
    .map((key) => form.get(key) ?? "");
}

/** The members of a list of structures in a query, each with its own fields. */
export function structuresOf(form: URLSearchParams, name: string): URLSearchParams[] {
  const found = new Map<string, URLSearchParams>();
  for (const [key, value] of form) {
    if (!key.startsWith(`${name}.`)) continue;
    const [, number = "", field = ""] = /^\.\w+\.(\d+)\.(.+)$/.exec(key.slice(name.length)) ?? [];
    if (number === "") continue;
    const one = found.get(number) ?? new URLSearchParams();
    one.set(field, value);
    found.set(number, one);
  }
  return [...found.values()];
}

/** The input of a call as a query would write it. */
export function toForm(
  input: Record<string, unknown>,
  prefix = "",
  form = new URLSearchParams(),
): URLSearchParams {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    if (value instanceof Date) form.set(prefix + name, value.toISOString());
    else if (Array.isArray(value)) {
      for (const [index, one] of value.entries()) {
        const key = `${prefix}${name}.member.${index + 1}`;
        if (typeof one === "object") toForm(one as Record<string, unknown>, `${key}.`, form);
        else form.set(key, String(one));
      }
    } else if (typeof value === "object" && value !== null) {
      toForm(value as Record<string, unknown>, `${prefix}${name}.`, form);
    } else form.set(prefix + name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return form;
}
