import { Naming } from "../../common/naming";
import { PolicyStatement } from "../policyDocument";
import { DOCTOR_STATEMENT } from "./doctor";
import { SERVICES } from "./services";

/** Services that create a service-linked role in the account when they are first used. */
const SERVICE_LINKED = [
  "autoscaling.amazonaws.com",
  "elasticache.amazonaws.com",
  "*elasticbeanstalk.amazonaws.com",
  "elasticloadbalancing.amazonaws.com",
  "rds.amazonaws.com",
];

/**
 * Permissions of the `up` role: it changes the infrastructure of this environment. It may create and change roles
 * only under the permissions boundary. It can change neither the boundary nor the roles of GitHub Actions: an
 * administrator applies those changes.
 */
export function upStatements(naming: Naming): PolicyStatement[] {
  const ownRoles = naming.roleArn(naming.name("*"));
  const boundary = naming.permissionsBoundaryArn;
  const underBoundary = { StringEquals: { "iam:PermissionsBoundary": boundary } };
  return [
    {
      Sid: "ManageServices",
      Effect: "Allow",
      Action: SERVICES.map((service) => `${service}:*`),
      Resource: "*",
      // Requests to CloudFront, Route 53 and IAM count as requests to us-east-1.
      Condition: { StringEquals: { "aws:RequestedRegion": [naming.region, "us-east-1"] } },
    },
    {
      Sid: "ManageParameters",
      Effect: "Allow",
      Action: "ssm:*",
      Resource: naming.arn("ssm", `parameter/iaso/${naming.env}/*`),
    },
    {
      // The worker environment's stack has a table in which its instances elect the leader for periodic tasks.
      Sid: "ManageLeaderTables",
      Effect: "Allow",
      Action: [
        "dynamodb:CreateTable",
        "dynamodb:DeleteTable",
        "dynamodb:DescribeTable",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:UpdateTable",
      ],
      Resource: naming.arn("dynamodb", "table/awseb-e-*"),
    },
    DOCTOR_STATEMENT,
    { Sid: "ListParameters", Effect: "Allow", Action: "ssm:DescribeParameters", Resource: "*" },
    { Sid: "ReadRoles", Effect: "Allow", Action: ["iam:Get*", "iam:List*"], Resource: "*" },
    {
      Sid: "ManageRolesUnderBoundary",
      Effect: "Allow",
      Action: [
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
      ],
      Resource: ownRoles,
      Condition: underBoundary,
    },
    {
      Sid: "ManageProfiles",
      Effect: "Allow",
      Action: [
        "iam:AddRoleToInstanceProfile",
        "iam:CreateInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:DeleteRole",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:TagInstanceProfile",
        "iam:TagRole",
        "iam:UntagInstanceProfile",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
        "iam:UpdateRoleDescription",
      ],
      Resource: [ownRoles, `arn:aws:iam::${naming.accountId}:instance-profile/${naming.name("*")}`],
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
        "iam:Update*",
      ],
      Resource: [naming.roleArn(naming.name("ci-*")), boundary],
    },
  ];
}
