import { Naming } from "../../common/naming";
import { PolicyStatement } from "../policyDocument";
import { DOCTOR_STATEMENT } from "./doctor";
import { otherSettings, READ_STATEMENTS } from "./read";

/** Services that create a service-linked role in the account when they are first used. */
const SERVICE_LINKED = [
  "autoscaling.amazonaws.com",
  "elasticache.amazonaws.com",
  "*elasticbeanstalk.amazonaws.com",
  "elasticloadbalancing.amazonaws.com",
  "rds.amazonaws.com",
];

/**
 * Permissions of the `up` role beyond those on services (`upServiceStatements`): it changes the policies of the
 * platform's roles under their permissions boundaries. An administrator creates and deletes roles, and changes trust
 * policies, boundaries and the roles of GitHub Actions: each of these could give somebody a lasting way in.
 */
export function upStatements(naming: Naming): PolicyStatement[] {
  const ownRoles = naming.roleArn(naming.name("*"));
  const boundaries = [naming.permissionsBoundaryArn, naming.serviceBoundaryArn];
  return [
    ...READ_STATEMENTS,
    otherSettings(naming),
    DOCTOR_STATEMENT,
    {
      Sid: "ManageDeploymentParameter",
      Effect: "Allow",
      Action: [
        "ssm:AddTagsToResource",
        "ssm:DeleteParameter",
        "ssm:GetParameter",
        "ssm:GetParameters",
        "ssm:PutParameter",
        "ssm:RemoveTagsFromResource",
      ],
      Resource: naming.arn("ssm", `parameter${naming.deploymentParameter}`),
    },
    {
      Sid: "ManageRolesUnderBoundary",
      Effect: "Allow",
      Action: ["iam:AttachRolePolicy", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePolicy"],
      Resource: ownRoles,
      Condition: { StringEquals: { "iam:PermissionsBoundary": boundaries } },
    },
    {
      Sid: "PassRolesToTheirServices",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: ownRoles,
      Condition: {
        StringEquals: {
          "iam:PassedToService": [
            "ec2.amazonaws.com",
            "elasticbeanstalk.amazonaws.com",
            "monitoring.rds.amazonaws.com",
            "vpc-flow-logs.amazonaws.com",
          ],
        },
      },
    },
    {
      // AWS defines the permissions of a service-linked role; nobody can extend them.
      Sid: "LetServicesMakeTheirRoles",
      Effect: "Allow",
      Action: "iam:CreateServiceLinkedRole",
      Resource: `arn:aws:iam::${naming.accountId}:role/aws-service-role/*`,
      Condition: { StringLike: { "iam:AWSServiceName": SERVICE_LINKED } },
    },
    {
      Sid: "NeverTouchOwnPower",
      Effect: "Deny",
      Action: [
        "iam:Attach*",
        "iam:Create*",
        "iam:Delete*",
        "iam:Detach*",
        "iam:PassRole",
        "iam:Put*",
        "iam:Tag*",
        "iam:Untag*",
        "iam:Update*",
      ],
      Resource: [
        naming.roleArn(naming.name("ci-*")),
        `arn:aws:iam::${naming.accountId}:policy/${naming.name("*")}`,
      ],
    },
  ];
}
