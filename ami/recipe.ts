export const recipeFingerprint = "0".repeat(64);
