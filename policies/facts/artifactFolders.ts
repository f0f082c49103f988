/**
 * The folders of the artifacts bucket that only deployments write: records of builds, source bundles, the journal, the
 * lock, Python packages and their lists. Source: the keys that the deploy tool of this project writes.
 */
export const DEPLOYMENT_FOLDERS = ["builds", "bundles", "journal", "locks", "wheel-lists", "wheels"] as const;

/** The folder that only updates of the infrastructure write. */
export const UPDATE_FOLDER = "pulumi";

/** The folder of records of restores, which only people write: the database tool acts as a record says. */
export const RESTORE_FOLDER = "restores";
