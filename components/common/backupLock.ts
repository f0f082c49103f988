/** The days for which the locks of the vaults accept backups. They never change: nobody can change a lock in compliance mode. */
export const LOCK_RETENTION = { minRetentionDays: 7, maxRetentionDays: 3650 };
