/** EC2 refuses user data above this, in bytes before base64. */
export const USER_DATA_LIMIT = 16_384;

const BOUNDARY = "iaso-gdal-ami";

/**
 * The builder's user data: cloud-config and the install script as one MIME document.
 *
 * @param script the install script
 * @param releaseVersion release of Amazon Linux 2023 to stay on, such as `2023.6.20250203`
 * @param lifeMinutes after which the builder shuts itself down, whatever has happened
 */
export function userData(script: string, releaseVersion: string | undefined, lifeMinutes: number): string {
  const cloudConfig = [
    "#cloud-config",
    // The image must stay on the release of the platform version it is built upon.
    ...(releaseVersion === undefined ? [] : [`repo_releasever: ${JSON.stringify(releaseVersion)}`]),
    "repo_upgrade: none",
    // At every boot, as making the image reboots the builder and a timer does not live through that.
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
