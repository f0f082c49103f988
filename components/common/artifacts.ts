/**
 * The folders of the artifacts bucket, by who writes them. Updates of the infrastructure and deployments have folders of
 * their own, so that neither can replace the code of the other. So have people who replace the database.
 */
export const ARTIFACTS = {
  /** Source bundles of Enketo and of the version with which Iaso's environments start. */
  updates: "pulumi",
  /** The deploy tool writes source bundles, Python packages and their lists, the lock and the journal. */
  deployments: ["builds", "bundles", "journal", "locks", "wheel-lists", "wheels"],
  /** The records of restores. Whoever writes them could make the next `resume` delete the database. */
  restores: "restores",
} as const;

/**
 * Key of the migrations of the versions that may run, which the instances read before they prepare the database. It is in
 * the folder of packages, which the instances of the Python platform may read.
 */
export const KNOWN_MIGRATIONS = "wheels/known-migrations.json";
