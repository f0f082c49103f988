/** The first names of a list, as text, and how many more there are. */
export const shorten = (names: readonly string[], most = 5): string =>
  names.slice(0, most).join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");
