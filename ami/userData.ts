/** EC2's limit for user data, in bytes before base64. */
export const USER_DATA_LIMIT = 16_384;

const BOUNDARY = "iaso-gdal-ami";

/**
 * The builder's user data: cloud-config and the install script in one MIME document.
 *
 * @param script the install script
 * @param releaseVersion the release of Amazon Linux 2023 to keep, such as `2023.6.20250203`
 * @param lifeMinutes minutes after each boot at which the builder shuts itself down in any case
 */
export function userData(script: string, releaseVersion: string | undefined, lifeMinutes: number): string {
  const cloudConfig = [
    "#cloud-config",
    // The image must keep the release of its platform version.
    ...(releaseVersion === undefined ? [] : [`repo_releasever: ${JSON.stringify(releaseVersion)}`]),
    "repo_upgrade: none",
    // At every boot: creating the image reboots the builder, and a timer does not survive that.
    "bootcmd:",
    `  - [systemd-run, "--on-active=${lifeMinutes}min", systemctl, poweroff]`,
  ].join("\n");
  const launcher = script.replace("#!/bin/bash\n", "#!/bin/bash\nCONSOLE=/dev/console\n");
  const part = (type: string, text: string) =>
    `--${BOUNDARY}\nContent-Type: ${type}; charset="us-ascii"\nMIME-Version: 1.0\n\n${text}\n`;
  return [
    `Content-Type: multipart/mixed; boundary="${BOUNDARY}"\nMIME-Version: 1.0\n\n`,
    part("text/cloud-config", cloudConfig),
    part("text/x-shellscript", launcher),
    `--${BOUNDARY}--\n`,
  ].join("");
}
