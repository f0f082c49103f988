/** A value of a policy element that may be one or several. */
export type OneOrMany = string | string[];

/** One statement of an IAM, bucket, queue or topic policy. */
export interface Statement {
  Sid: string;
  Effect: "Allow" | "Deny";
  Principal?: "*" | Record<string, OneOrMany>;
  Action: OneOrMany;
  Resource: OneOrMany;
  Condition?: Record<string, Record<string, OneOrMany>>;
}

/**
 * The JSON text of a policy. All parts are plain strings: see {@link Naming} for why documents hold no outputs.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
export function policyDocument(statements: Statement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

type Condition = NonNullable<Statement["Condition"]>;

/** The trust policy of a role: who may take it on. */
export function trustPolicy(
  principal: Record<string, string>,
  condition?: Condition,
  action = "sts:AssumeRole",
): string {
  const statement = { Sid: "AssumeRole", Effect: "Allow", Principal: principal, Action: action };
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ ...statement, ...(condition && { Condition: condition }) }],
  });
}

/**
 * The trust policy of a role for an AWS service, which may use it only on behalf of this account (the confused
 * deputy problem). Not for EC2, which does not name the account.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
export function serviceTrustPolicy(service: string, accountId: string): string {
  return trustPolicy({ Service: service }, { StringEquals: { "aws:SourceAccount": accountId } });
}

/**
 * What an instance must be allowed to take sessions from Session Manager; none of it names a resource.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
 */
export const SESSION_MANAGER_ACTIONS = [
  "ssm:UpdateInstanceInformation",
  "ssmmessages:CreateControlChannel",
  "ssmmessages:CreateDataChannel",
  "ssmmessages:OpenControlChannel",
  "ssmmessages:OpenDataChannel",
];
