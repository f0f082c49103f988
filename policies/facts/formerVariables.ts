/** A variable that Iaso read once. */
export interface FormerVariable {
  /** The day from which Iaso's settings do not read it, as YYYY-MM-DD; undefined if they never did. */
  unreadSince?: string;
  /** The variable that Iaso reads instead; undefined if the feature is gone, or its data is in the database. */
  instead?: string;
}

/**
 * Environment variables that existing platforms set and Iaso reads no longer, by name.
 *
 * Source: all names that a change of `hat/settings.py` removed, and that it does not read at
 * https://github.com/BLSQ/iaso/commit/2d5404b038a3755fe9841e8c0627b1e7a5c7d51f, of 2026-08-07, with the days of those
 * changes. `EMAIL_USE_TLS` and `LIVE_COMPONENTS` are in Iaso's compose file of production, and nothing reads them.
 */
export const FORMER_VARIABLES: Readonly<Record<string, FormerVariable>> = {
  CACHE: { unreadSince: "2021-01-05" },
  CLAMAV_FDQN: { unreadSince: "2025-01-14", instead: "CLAMAV_FQDN" },
  CLOUDFRONT_DOMAIN: { unreadSince: "2021-01-05", instead: "STATIC_URL" },
  DATASET_ID: { unreadSince: "2026-04-22" },
  EMAIL_USE_TLS: { instead: "EMAIL_TLS" },
  IASO_ENVIRONMENT: { unreadSince: "2022-04-04", instead: "SENTRY_ENVIRONMENT" },
  IASO_WFP_ID: { unreadSince: "2023-05-30", instead: "WFP_AUTH_CLIENT_ID" },
  LIVE_COMPONENTS: {},
  LQAS_PIPELINE: { unreadSince: "2024-01-18" },
  LQAS_PIPELINE_VERSION: { unreadSince: "2024-01-18" },
  OH_CUSTOM_PASSWORD: { unreadSince: "2023-09-15" },
  OH_CUSTOM_URL: { unreadSince: "2023-09-15" },
  OH_CUSTOM_USERNAME: { unreadSince: "2023-09-15" },
  OH_PIPELINE_TARGET: { unreadSince: "2024-01-18" },
  OPENHEXA_TOKEN: { unreadSince: "2024-01-18" },
  OPENHEXA_URL: { unreadSince: "2024-01-18" },
  PLUGIN_POLIO_ENABLED: { unreadSince: "2021-08-12", instead: "PLUGINS" },
  SHOW_LOGO_WITH_NAME: { unreadSince: "2022-03-24", instead: "SHOW_NAME_WITH_LOGO" },
  SNS_NOTIFICATION_TOPIC: { unreadSince: "2026-04-22" },
  STAGING: { unreadSince: "2021-01-13", instead: "SENTRY_ENVIRONMENT" },
  TESTING: { unreadSince: "2026-07-30" },
  WFP_SECRET_KEY: { unreadSince: "2023-05-30" },
};
