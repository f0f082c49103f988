/** The seed of a test with random parts, printed so that the very same run can be had again. */
export function printedSeed(): number {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  console.log(`      seed ${seed} (SEED=${seed} repeats it)`);
  return seed;
}
