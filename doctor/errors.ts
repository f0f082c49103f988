/** A check has no answer on which to base a result. */
export class NotChecked extends Error {
  override readonly name: string = "NotChecked";
}

/** The credentials lack a permission that the check needs. */
export class MissingPermission extends NotChecked {
  override readonly name = "MissingPermission";

  /** @param action The IAM action, such as `ec2:DescribeVpcs`. */
  constructor(readonly action: string) {
    super(`the permission ${action} is missing`);
  }
}

/** AWS, a DNS server or another host did not answer, or failed. The command exits with 2. */
export class Unreachable extends NotChecked {
  override readonly name = "Unreachable";
}
