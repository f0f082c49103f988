/** True when `*` (any text) and `?` (any one character) in the pattern cover the value. Linear in memory. */
export function matches(pattern: string, value: string, ignoreCase: boolean): boolean {
  const glob = ignoreCase ? pattern.toLowerCase() : pattern;
  const text = ignoreCase ? value.toLowerCase() : value;
  let at = 0;
  let star = -1;
  let resume = 0;
  let from = 0;
  while (at < text.length) {
    if (glob[from] === "*") {
      star = from++;
      resume = at;
    } else if (from < glob.length && (glob[from] === "?" || glob[from] === text[at])) {
      from++;
      at++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++resume;
    } else return false;
  }
  while (glob[from] === "*") from++;
  return from === glob.length;
}
