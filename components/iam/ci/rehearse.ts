import { Naming } from "../../common/naming";
import { inOwnAccount, PolicyStatement, tagConditions } from "../policyDocument";

/**
 * Permissions of the `rehearse` role: `npm run database -- rehearse --without-row-count`. It restores the database into a
 * copy without connections, of whose name nothing else is, and deletes it. It reads no password and changes no instance, so
 * nobody can open the copy with it.
 */
export function rehearseStatements(naming: Naming): PolicyStatement[] {
  const name = naming.name();
  const copies = naming.arn("rds", `db:${naming.name("rehearsal-*")}`);
  const tags = { project: "iaso", env: naming.env };
  const artifacts = naming.bucketArn("artifacts");
  const own = inOwnAccount(naming.accountId);
  return [
    {
      Sid: "FindDatabaseAndBackups",
      Effect: "Allow",
      Action: [
        "ec2:DescribeSecurityGroups",
        "rds:DescribeDBInstanceAutomatedBackups",
        "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots",
      ],
      Resource: "*",
    },
    {
      Sid: "RestoreCopy",
      Effect: "Allow",
      Action: "rds:RestoreDBInstanceToPointInTime",
      Resource: [
        copies,
        ...["og:default*", "pg:default.*", `pg:${name}-*`, `subgrp:${name}`].map((resource) =>
          naming.arn("rds", resource),
        ),
      ],
    },
    {
      // RDS chooses the names of automated backups, and gives them tags only if asked.
      Sid: "RestoreAutomatedBackups",
      Effect: "Allow",
      Action: "rds:RestoreDBInstanceToPointInTime",
      Resource: naming.arn("rds", "auto-backup:*"),
      Condition: {
        StringEqualsIfExists: tagConditions("aws:ResourceTag", tags),
      },
    },
    {
      Sid: "TagAndDeleteCopies",
      Effect: "Allow",
      Action: ["rds:AddTagsToResource", "rds:DeleteDBInstance"],
      Resource: copies,
      Condition: { StringEqualsIfExists: tagConditions("aws:RequestTag", tags) },
    },
    {
      Sid: "ReadDeploymentParameter",
      Effect: "Allow",
      Action: "ssm:GetParameter",
      Resource: naming.arn("ssm", `parameter${naming.deploymentParameter}`),
    },
    {
      Sid: "KeepLockAndResults",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:PutObject"],
      Resource: [`${artifacts}/drills/${naming.env}/*`, `${artifacts}/locks/${naming.env}.json`],
      Condition: own,
    },
    {
      Sid: "LookAtRuns",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: ["journal", "restores"].map((folder) => `${artifacts}/${folder}/${naming.env}/*`),
      Condition: own,
    },
    { Sid: "FindRuns", Effect: "Allow", Action: "s3:ListBucket", Resource: artifacts, Condition: own },
  ];
}
