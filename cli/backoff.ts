/**
 * Returns a delay function for retries: milliseconds before the given attempt, exponential from half a second, with
 * jitter.
 *
 * @param longest The longest delay in milliseconds.
 */
export function exponentialBackoff(longest: number): (attempt: number) => number {
  return (attempt) => Math.min(longest, 500 * 2 ** attempt) * (0.5 + Math.random() / 2);
}
