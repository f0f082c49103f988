/**
 * The ways in which a secret can stand in a text: as it is, escaped by JSON (once, and once more inside of another
 * JSON, as Go does it too), in a URL, in base64 at each of the three places where a longer text can hold it, in hex.
 */
export function formsOf(secret: string): string[] {
  const json = inJson(secret);
  const goJson = json.replace(/[<>&]/g, escaped);
  const asciiJson = goJson.replace(/[\u0080-\uffff]/g, escaped);
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((offset) => base64At(bytes, offset));
  return [
    ...new Set([
      secret,
      ...[json, goJson, asciiJson].flatMap((text) => [text, inJson(text)]),
      encodeURIComponent(secret),
      encodeURI(secret),
      ...base64,
      ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
    ]),
  ];
}

/** The secrets, by name, that stand in the text in any form. */
export function leaksIn(text: string, secrets: Record<string, string>): string[] {
  return Object.entries(secrets)
    .filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
    .map(([name]) => name);
}

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The base64 of the bytes behind as many others, without the signs that those or what follows have a share in. */
function base64At(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + bytes.length) * 8) / 6);
  return encoded.slice(first, end);
}
