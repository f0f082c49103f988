/** A text or a number as text; empty for other values. */
export const text = (value: unknown) =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

/** `Dead letters` for `dead-letters`. */
export const words = (name: string) => {
  const spaced = name.replaceAll("-", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};
