/** Each colour in light and in dark. Pairs of ink and ground have a contrast of at least 4.5. */
const COLOURS: Record<string, readonly [light: string, dark: string]> = {
  ink: ["#17222e", "#e9eff5"],
  soft: ["#4a5866", "#b4c1ce"],
  line: ["#8795a3", "#66747f"],
  arrow: ["#5b7086", "#8ba2b8"],
  cloud: ["#f6f8fa", "#141b23"],
  ground: ["#ffffff", "#0d1319"],
  zone: ["#ffffff", "#19222c"],
  box: ["#ffffff", "#1f2a35"],
  outside: ["#eef1f4", "#222c36"],
  edge: ["#e9e5fb", "#332c56"],
  inside: ["#dcebfb", "#173a5e"],
  services: ["#dff3e4", "#174229"],
  operations: ["#fbefd9", "#4b3813"],
  pair: ["#2563a8", "#6cb0f5"],
  added: ["#1a7f37", "#3fb950"],
  changed: ["#8a5a00", "#e0a52f"],
  replaced: ["#c2255c", "#ff7eb0"],
  deleted: ["#c92a2a", "#ff7b72"],
  "on-mark": ["#ffffff", "#0d1319"],
};

const variables = (theme: 0 | 1) =>
  Object.entries(COLOURS)
    .map(([name, both]) => `--${name}:${both[theme]}`)
    .join(";");

/** The colours of a page as CSS variables, chosen by the reader's system or the page's own switch. */
export const PAGE_COLOURS = `:root{color-scheme:light dark;${variables(0)}}
@media (prefers-color-scheme:dark){:root{${variables(1)}}}
:root[data-theme=light]{color-scheme:light;${variables(0)}}
:root[data-theme=dark]{color-scheme:dark;${variables(1)}}
`;

/** A style with colours in place of CSS variables, which many SVG viewers do not support. */
export function inColours(style: string): string {
  const themed = (theme: 0 | 1) =>
    style.replace(/var\(--([\w-]+)\)/g, (_, name: string) => COLOURS[name]?.[theme] ?? "");
  return `${themed(0)}@media (prefers-color-scheme:dark){\n${themed(1)}}\n`;
}
