/** A text or a number as text; empty for other values. */
export const text = (value: unknown) =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

/** `3 records`, `1 record`. */
export const count = (many: unknown[], singular: string) =>
  `${many.length} ${singular}${many.length === 1 ? "" : "s"}`;

/** `Dead letters` for `dead-letters`. */
export const words = (name: string) => {
  const spaced = name.replaceAll("-", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};
