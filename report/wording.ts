import { PreviewResource } from "../graph/document";
import type { Change, PropertyChange } from "./diff/changes";

/** The sign of each kind of change. */
export const SIGNS: Record<Change["kind"], string> = {
  added: "+",
  changed: "~",
  replaced: "±",
  deleted: "-",
};

/** A value as text: JSON unless it is a string. */
export const valueText = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

/** `before → after`. */
export const changeText = ({ before, after }: PropertyChange): string =>
  [before, after].map((value) => (value === undefined ? "(not set)" : valueText(value))).join(" → ");

/** `1 record`, `3 records`. */
export const count = (many: number, singular: string, plural = `${singular}s`) =>
  `${many} ${many === 1 ? singular : plural}`;

/** Notes about a resource: options that protect it, secrets, ignored changes. */
export function notesOf({ protect, retainOnDelete, secretInputs, ignoreChanges }: PreviewResource): string[] {
  return [
    protect ? "protected" : "",
    retainOnDelete ? "kept on delete" : "",
    secretInputs.length > 0 ? "secrets" : "",
    ignoreChanges.length > 0 ? `changes ignored: ${ignoreChanges.join(", ")}` : "",
  ].filter((note) => note !== "");
}

/** Follows "without", about charges in a total of costs. */
export const unpricedItems = (many: number): string =>
  `${count(many, "item")} that ${many === 1 ? "has" : "have"} no known price`;
