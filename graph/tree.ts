import { PreviewDocument, PreviewResource } from "./document";

/** Colours of a terminal, or none. */
export interface Style {
  bold: (text: string) => string;
  dim: (text: string) => string;
  green: (text: string) => string;
  yellow: (text: string) => string;
  red: (text: string) => string;
}

export function style(colours: boolean): Style {
  const code = (open: number, close: number) => (text: string) =>
    colours ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: code(1, 22),
    dim: code(2, 22),
    green: code(32, 39),
    yellow: code(33, 39),
    red: code(31, 39),
  };
}

/**
 * The resources as `pulumi preview` shows them: a tree by parents, in order of registration, each with a sign of what
 * happens to it. All of a new stack are created.
 */
export function renderTree(
  resources: PreviewResource[],
  { bold, dim, green }: Style,
  signOf: (urn: string) => string = () => green("+"),
): string {
  const children = new Map<string, PreviewResource[]>();
  for (const resource of resources) {
    const siblings = children.get(resource.parent) ?? [];
    children.set(resource.parent, [...siblings, resource]);
  }
  const rows: { sign: string; label: string; name: string; notes: string }[] = [];
  const visit = (resource: PreviewResource, lead: string, branch: string): void => {
    const notes = [
      resource.protect ? "protected" : "",
      resource.retainOnDelete ? "kept on delete" : "",
      resource.secretInputs.length > 0 ? "secrets" : "",
    ].filter((note) => note !== "");
    rows.push({
      sign: signOf(resource.urn),
      label: `${lead}${branch}${shortType(resource.type)}`,
      name: resource.name,
      notes: notes.join(", "),
    });
    const below = children.get(resource.urn) ?? [];
    const indent = branch === "" ? lead : lead + (branch.startsWith("└") ? "   " : "│  ");
    for (const [index, child] of below.entries())
      visit(child, indent, index === below.length - 1 ? "└─ " : "├─ ");
  };
  for (const root of children.get("") ?? []) visit(root, "", "");

  const width = Math.max(...rows.map(({ label }) => label.length));
  return rows
    .map(({ sign, label, name, notes }) => {
      const padding = " ".repeat(width - label.length + 2);
      const note = notes === "" ? "" : `  ${dim(`(${notes})`)}`;
      return `${sign} ${label}${padding}${bold(name)}${note}`;
    })
    .join("\n");
}

/** `aws:s3:Bucket` of `aws:s3/bucket:Bucket`, as Pulumi's own display shortens it. */
export function shortType(type: string): string {
  return type.replace(/\/[^:]*:/, ":");
}

/** The outputs of the stack, one in a line, and below its name what an object holds. */
export function renderOutputs({ outputs }: PreviewDocument, style: Style): string {
  return renderEntries(outputs, "  ", style).join("\n");
}

function renderEntries(values: object, indent: string, style: Style): string[] {
  const entries = Object.entries(values) as [string, unknown][];
  const width = Math.max(0, ...entries.map(([key]) => key.length));
  return entries.flatMap(([key, value]) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return [`${indent}${key}`, ...renderEntries(value, `${indent}  `, style)];
    }
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return [`${indent}${key.padEnd(width)}  ${style.dim(text)}`];
  });
}
