import { distance } from "fastest-levenshtein";

/** A word that takes more edits, or more than a third of its letters, is another word and no typo. */
const MOST_EDITS = 3;

/**
 * Returns the word of a list that a misspelt word most likely stands for, or undefined if none is close enough.
 * Of words that are equally close, the one with the longest common beginning. Capital letters make no difference.
 */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const edits = (other: string) => distance(word.toLowerCase(), other.toLowerCase());
  const [closest] = [...words].sort(
    (one, other) => edits(one) - edits(other) || commonPrefix(word, other) - commonPrefix(word, one),
  );
  if (closest === undefined) return undefined;
  const allowed = Math.min(MOST_EDITS, Math.floor(Math.min(word.length, closest.length) / 3));
  return edits(closest) <= allowed ? closest : undefined;
}

/** The number of letters with which two words both begin. */
function commonPrefix(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

/** The question " Did you mean …?" to append to a message about an unknown word; empty if no word is close enough. */
export function didYouMean(word: string, words: readonly string[]): string {
  const suggestion = nearest(word, words);
  return suggestion === undefined ? "" : ` Did you mean ${suggestion}?`;
}
