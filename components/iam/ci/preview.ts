import { Naming } from "../../common/naming";
import { PolicyStatement } from "../policyDocument";
import { DOCTOR_STATEMENT } from "./doctor";
import { SERVICES } from "./services";

/**
 * Permissions of the `preview` role: it reads the configuration of all resources, as preview and refresh do, but no
 * content: no object, no message, no secret, no log. Most of these calls take no resource.
 */
export function previewStatements(naming: Naming): PolicyStatement[] {
  return [
    {
      Sid: "ReadInfrastructure",
      Effect: "Allow",
      Action: [
        ...SERVICES.filter((service) => service !== "s3").flatMap((service) => [
          `${service}:Describe*`,
          `${service}:Get*`,
          `${service}:List*`,
        ]),
        "s3:GetAccelerateConfiguration",
        "s3:GetBucket*",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
      ],
      Resource: "*",
    },
    DOCTOR_STATEMENT,
    {
      Sid: "ReadRoles",
      Effect: "Allow",
      Action: ["iam:Get*", "iam:List*", "ssm:DescribeParameters", "ssm:ListTagsForResource"],
      Resource: "*",
    },
    {
      Sid: "ReadDeploymentParameter",
      Effect: "Allow",
      Action: ["ssm:GetParameter", "ssm:GetParameters"],
      Resource: naming.arn("ssm", `parameter${naming.deploymentParameter}`),
    },
    {
      Sid: "NeverReadContents",
      Effect: "Deny",
      Action: ["logs:FilterLogEvents", "logs:GetLog*", "logs:GetQueryResults"],
      Resource: "*",
    },
  ];
}
