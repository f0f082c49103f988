import { PreviewDocument, PreviewResource, shortType } from "../graph/document";
import type { Change } from "../report/diff/changes";
import { count, notesOf } from "../report/wording";

/** Functions that colour text for a terminal, or return it as it is. */
export interface Style {
  bold: (text: string) => string;
  dim: (text: string) => string;
  green: (text: string) => string;
  yellow: (text: string) => string;
  red: (text: string) => string;
}

/** Returns a style with ANSI colours, or one without. */
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
 * Draws the resources as a tree by parents, like `pulumi preview`, in order of registration. Each row begins with the
 * sign of the resource's change. Without a comparison, all resources are created.
 */
export function renderTree(
  resources: PreviewResource[],
  { bold, dim, green }: Style,
  signOf: (urn: string) => string = () => green("+"),
): string {
  return renderRows(resources, { bold, dim }, signOf, notesOf);
}

/**
 * Draws only the components of the tree, each with the number of resources in it and, in a comparison, how many of
 * them change.
 */
export function renderParts(
  resources: PreviewResource[],
  paint: Style,
  kindOf?: (urn: string) => Change["kind"] | undefined,
): string {
  const components = resources.filter(({ custom }) => !custom);
  const members = new Map(components.map(({ urn }) => [urn, [] as string[]]));
  for (const { urn, parent, custom } of resources) {
    // A resource can be the parent of others; its part is the nearest component above it.
    if (custom) members.get(nearest(parent))?.push(urn);
  }
  function nearest(urn: string): string {
    if (members.has(urn)) return urn;
    const parent = resources.find((one) => one.urn === urn)?.parent;
    return parent === undefined ? "" : nearest(parent);
  }
  const notes = ({ urn }: PreviewResource): string[] => {
    const own = members.get(urn) ?? [];
    const resourcesNote = own.length === 0 ? [] : [count(own.length, "resource")];
    const changes = (["added", "changed", "replaced"] as const).flatMap((kind) => {
      const many = own.filter((one) => kindOf?.(one) === kind).length;
      return many === 0 ? [] : [`${many} ${kind}`];
    });
    return [...resourcesNote, ...changes];
  };
  const sign = (urn: string): string => {
    if (kindOf === undefined || kindOf(urn) === "added") return paint.green("+");
    return (members.get(urn) ?? []).some((one) => kindOf(one) !== undefined) ? paint.yellow("~") : " ";
  };
  return renderRows(components, paint, sign, notes);
}

function renderRows(
  resources: PreviewResource[],
  { bold, dim }: Pick<Style, "bold" | "dim">,
  signOf: (urn: string) => string,
  notesOf: (resource: PreviewResource) => string[],
): string {
  const children = new Map<string, PreviewResource[]>();
  for (const resource of resources) {
    const siblings = children.get(resource.parent) ?? [];
    children.set(resource.parent, [...siblings, resource]);
  }
  const rows: { sign: string; label: string; name: string; notes: string }[] = [];
  const visit = (resource: PreviewResource, lead: string, branch: string): void => {
    rows.push({
      sign: signOf(resource.urn),
      label: `${lead}${branch}${shortType(resource.type)}`,
      name: resource.name,
      notes: notesOf(resource).join(", "),
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

/** The stack's outputs, one per line. The properties of an object follow its name. */
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
