/** Recognises secrets in plain text: by the name of an input, by the shape of its value, and by its randomness. */

const SECRET_NAME =
  /(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY|CREDENTIALS?|DSN|_KEY|_PASS|_PWD)$/i;

/** True if people use this name for secrets. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name);

/** Shapes of keys and tokens, and of a password in an address, a query or a command line. */
const TOKENS = [
  /(AKIA|ASIA)[0-9A-Z]{16}/,
  /gh[pousr]_\w{30,}|github_pat_\w{20,}|glpat-[\w-]{20,}|npm_\w{30,}/,
  /xox[abprs]-[\w-]{10,}|hooks\.slack\.com\/services\/\w+/,
  /-----BEGIN [A-Z ]*PRIVATE KEY|LS0tLS1CRUdJTi/,
  /key-[0-9a-f]{32}|\b[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b/,
  /eyJ[\w-]{10,}\.eyJ/,
  /[sr]k_(live|test)_\w{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|AIza[\w-]{35}|hvs\.[\w-]{20,}/,
];
const IN_ADDRESS = /:\/\/[^/\s:@]*:[^/\s@]+@|:\/\/[0-9a-f]{32}@/;
const ASSIGNED = /(password|passwd|pwd|secret|token|api_?key)=[^\s&"'$<{[]/i;

/** True if a text contains a secret of a known shape. */
export const isToken = (value: string): boolean =>
  TOKENS.some((shape) => shape.test(value)) ||
  // Most texts have no address and no assignment, which is faster to find out.
  (value.includes("://") && IN_ADDRESS.test(value)) ||
  (value.includes("=") && ASSIGNED.test(value));

/** The entropy of a text, in bits for each character. */
function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const letter of value) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return [...counts.values()].reduce(
    (sum, count) => sum - (count / value.length) * Math.log2(count / value.length),
    0,
  );
}

/** True if a text is base64 of readable text. A word does not decode to readable text by chance. */
const isEncodedText = (value: string): boolean =>
  /^[A-Za-z0-9+/]{16,}={0,2}$/.test(value) &&
  value.length % 4 === 0 &&
  /^[\x20-\x7e\r\n]+$/.test(Buffer.from(value, "base64").toString("latin1"));

/**
 * True if a text is words, short names and short numbers with separators, such as ELBSecurityPolicy-TLS13-1-2-2021-06 or
 * /iaso-secrets/qa532/SECRET_KEY.
 */
function isWords(value: string): boolean {
  const parts = value.split(/[-_/]/).filter((part) => part !== "");
  return (
    parts.length > 2 && parts.every((part) => /^([A-Za-z]+\d{0,2}|[a-z][a-z0-9]{0,11}|\d{1,4})$/.test(part))
  );
}

/** True if a text is random enough to be a generated secret. */
export const isRandom = (value: string): boolean =>
  isEncodedText(value) ||
  (/^[0-9a-f]{32,}$/i.test(value) && entropy(value) > 3) ||
  (/^[a-z0-9]{24,}$/i.test(value) && (value.match(/\d/g) ?? []).length > 4 && entropy(value) > 4) ||
  (/^[\w+/=-]{24,}$/.test(value) &&
    /\d/.test(value) &&
    /[a-z]/.test(value) &&
    /[A-Z]/.test(value) &&
    !isWords(value) &&
    entropy(value) > 4);

/** True if a text has the form of a git commit id (SHA-1). */
export const isCommit = (value: string): boolean => /^[0-9a-f]{40}$/.test(value);

/** True if people use this name for the id of a commit. */
export const isCommitName = (name: string): boolean => /(commit|revision|sha1?)$/i.test(name);
