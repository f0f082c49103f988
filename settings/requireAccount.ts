import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { UserError } from "../cli/userError";
import type { StackFile } from "./stackFile";

/** @throws UserError if the credentials are for another account than the stack's: its secrets must not go there */
export async function requireAccount(file: StackFile): Promise<void> {
  const region = file.get("region");
  const { Account } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
  const expected = file.get("accountId");
  if (Account === expected) return;
  throw new UserError(
    `The AWS credentials are for the account ${Account ?? "?"}, but ${file.file} has accountId ${expected ?? "not set"}.`,
    `Use credentials of the stack's account: export AWS_PROFILE=<profile>. Or correct the setting: pulumi config set ${file.key("accountId")} VALUE --stack ${file.stack}`,
  );
}
