import { PreviewResource } from "../graph/document";

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
