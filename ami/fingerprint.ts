import { createHash } from "node:crypto";
import { installScript } from "./installScript";
import type { Recipe } from "./recipe";

/**
 * The recipe's fingerprint: the SHA-256, as 64 hexadecimal digits, of the table and of the script generated from it.
 *
 * It needs no AWS call, so every preview knows it. The fingerprint of an image also covers the base image:
 * {@link imageFingerprint}.
 */
export function fingerprintOf(recipe: Recipe): string {
  return sha256(JSON.stringify(recipe), installScript(recipe));
}

/** The SHA-256 of the recipe and its base image. Images with the same fingerprint are interchangeable. */
export function imageFingerprint(baseImageId: string, recipe: Recipe): string {
  return sha256(fingerprintOf(recipe), baseImageId);
}

function sha256(...parts: string[]): string {
  const hash = createHash("sha256");
  // The length comes first, so that different lists of parts never give the same bytes.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}
