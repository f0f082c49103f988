/**
 * The plugins that come with Iaso: the folders of `plugins/` that are Python packages.
 *
 * Source: https://github.com/BLSQ/iaso/tree/2d5404b038a3755fe9841e8c0627b1e7a5c7d51f/plugins, of 2026-08-07. Others live
 * in repositories of their own and are added to the bundle when a version is deployed.
 */
export const IASO_PLUGINS: readonly string[] = ["polio", "registry", "template", "test", "wfp", "wfp_auth"];
