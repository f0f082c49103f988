import { UserError } from "../../cli/userError";
import type { Clients } from "../../doctor/clients";
import { GetRoleCommand } from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";

/**
 * The ARN of the role or user whose credentials are used, as policies know it (`aws:PrincipalArn`). The ARN of a role's
 * session lacks the path of the role, which the roles of IAM Identity Center have.
 *
 * @throws UserError for the root user and federated users
 */
export async function principalArn({ iam, sts }: Pick<Clients, "iam" | "sts">): Promise<string> {
  const { Arn = "" } = await sts.send(new GetCallerIdentityCommand({}));
  const [, RoleName] = /^arn:aws:sts::\d{12}:assumed-role\/([^/]+)\//.exec(Arn) ?? [];
  if (RoleName !== undefined) {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
    return Role?.Arn ?? "";
  }
  if (/^arn:aws:iam::\d{12}:user\//.test(Arn)) return Arn;
  throw new UserError(
    `The AWS credentials are those of ${Arn}, which is no role and no IAM user.`,
    "Use a role of the stack's account: export AWS_PROFILE=PROFILE",
  );
}
