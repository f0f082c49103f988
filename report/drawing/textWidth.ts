/** Widths of characters in parts of the font's size, as wide as in the widest of the usual sans-serif fonts. */
const CLASSES: [characters: RegExp, width: number][] = [
  [/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/, 1.05],
  [/[\u{1f000}-\u{1faff}]/u, 1.35],
  [/[mwMW@%—…]/, 0.98],
  [/[ijlI.,:;|'!`]/, 0.34],
  [/[frt()[\]{}/\\" -]/, 0.42],
  [/[A-Z+=<>~×→]/, 0.76],
];

/**
 * Width of a text in pixels, estimated without a font: the machine that writes a report can lack the font of the
 * browser that shows it.
 */
export function textWidth(text: string, size: number, bold = false): number {
  let ems = 0;
  for (const character of text) ems += CLASSES.find(([class_]) => class_.test(character))?.[1] ?? 0.63;
  return ems * size * (bold ? 1.1 : 1);
}

/** The text, cut with an ellipsis if it is too wide. */
export function fitted(text: string, width: number, size: number, bold = false): string {
  if (textWidth(text, size, bold) <= width) return text;
  const characters = Array.from(text);
  while (characters.length > 0 && textWidth(`${characters.join("")}…`, size, bold) > width) characters.pop();
  return `${characters.join("").trimEnd()}…`;
}
