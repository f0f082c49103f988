import { Stack, tagOf } from "../../context";
import { DEPLOYMENT_FOLDERS, RESTORE_FOLDER, UPDATE_FOLDER } from "../../facts/artifactFolders";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { groupBy, text } from "../../values";
import { arnOfRole, isGithubs, isInstances, isNamed, Role, ROLE } from "../iam/grants";
import { classOf } from "./bucket";
import { alwaysDenied, ANY_OBJECT, applicationRoles, byAnyRole, checkPolicy } from "./bucketPolicy";

/** The roles of instances and of GitHub in the environment of a bucket. */
const rolesOf = (bucket: Pick<Resource, "inputs">, stack: Stack): Role[] =>
  stack
    .once("roles of CI and instances by environment", () =>
      groupBy(
        stack.ofType(ROLE).filter((role) => isGithubs(role) || isInstances(role)),
        (role) => tagOf(role, "env"),
      ),
    )
    .get(tagOf(bucket, "env")) ?? [];

export const staticWriteProtected = defineRule({
  name: "static-write-protected",
  types: ["aws:s3/bucket:Bucket"],
  description: "Only named roles write or delete static files, whatever the policies of other roles allow",
  why: "a changed script on a page acts as every user who opens the page",
  severity: "high",
  neighbours: true,
  check: (bucket, stack) =>
    classOf(bucket) !== "static"
      ? []
      : checkPolicy(bucket, stack, (statements) => {
          const writes = ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"];
          // A Deny that excludes a role by name lets it write.
          const writers = rolesOf(bucket, stack).filter(
            (role) =>
              isInstances(role) &&
              !alwaysDenied(statements, bucket, writes, { "aws:PrincipalArn": arnOfRole(role, stack) }),
          );
          return [
            ...(alwaysDenied(statements, bucket, writes, byAnyRole(stack))
              ? []
              : [
                  `The policy lets any role of the account write. Write a Deny of ${writes.join(", ")} for "*" on all objects where aws:PrincipalArn is ArnNotEquals the deployment's role.`,
                ]),
            ...writers.map(
              ({ inputs }) =>
                `The policy lets ${text(inputs.name)} write. Write only the deployment's role in its Deny.`,
            ),
          ];
        }),
});

export const mediaFromVpc = defineRule({
  name: "media-from-vpc",
  types: ["aws:s3/bucket:Bucket"],
  description:
    "Where instances reach S3 through an endpoint of their VPC, they write and list media only through it",
  why: "whoever copies an instance's credentials could change or list media from anywhere",
  severity: "high",
  neighbours: true,
  check: (bucket, stack) => {
    if (classOf(bucket) !== "media") return [];
    const hasEndpoint = stack
      .ofType("aws:ec2/vpcEndpoint:VpcEndpoint")
      .some(({ inputs }) => inputs.vpcEndpointType === "Gateway");
    if (!hasEndpoint) return [];
    return checkPolicy(bucket, stack, (statements) =>
      [...applicationRoles(stack)].flatMap((arn) => {
        const from = (vpc: string) => ({
          "aws:PrincipalArn": arn,
          "aws:EC2InstanceSourceVPC": "vpc-own",
          "aws:SourceVpc": vpc,
          "aws:SecureTransport": "true",
          "s3:signatureAge": "1",
          "s3:signatureversion": "AWS4-HMAC-SHA256",
        });
        const writes = ["s3:PutObject", "s3:DeleteObject"];
        const isDenied = (vpc: string) => [
          alwaysDenied(statements, bucket, writes, from(vpc)),
          alwaysDenied(statements, bucket, ["s3:ListBucket"], from(vpc), [""]),
        ];
        const instead =
          'Write a Deny of them for "*" where aws:SourceVpc is StringNotEquals ${aws:EC2InstanceSourceVPC}.';
        return [
          ...(isDenied("vpc-other").includes(false)
            ? [`The policy allows writes and lists by ${arn} from outside the VPC. ${instead}`]
            : []),
          ...(isDenied("vpc-own").includes(true)
            ? [`The policy denies writes and lists by ${arn} in the VPC itself. ${instead}`]
            : []),
        ];
      }),
    );
  },
});

const inFolder = (folder: string): string[] => ANY_OBJECT.map((path) => `/${folder}${path}`);

export const artifactsWriteProtected = defineRule({
  name: "artifacts-write-protected",
  types: ["aws:s3/bucket:Bucket"],
  description:
    "Only named roles write versions of Iaso and the journal, no deployment or instance writes the bundles of updates, and no role of CI or instances writes records of restores, whatever the policies of roles allow",
  why: "instances run the code in the bucket, and the database tool acts as a record says",
  severity: "high",
  neighbours: true,
  parameters: {
    updaters: {
      type: "array",
      default: ["-ci-up"],
      description: "Endings of the names of roles that update the infrastructure",
    },
  },
  check: (bucket, stack) => {
    if (classOf(bucket) !== "artifacts") return [];
    const roles = rolesOf(bucket, stack);
    const writersOf = [
      [UPDATE_FOLDER, roles.filter((role) => !isNamed(role, stack.parameters.updaters))],
      [RESTORE_FOLDER, roles],
    ] as const;
    return checkPolicy(bucket, stack, (statements) => {
      const denies = (folder: string, request: Record<string, string>) =>
        alwaysDenied(statements, bucket, ["s3:PutObject"], request, inFolder(folder));
      return [
        ...DEPLOYMENT_FOLDERS.filter((folder) => !denies(folder, byAnyRole(stack))).map(
          (folder) =>
            `The policy lets any role of the account write ${folder}/. Write a Deny of s3:PutObject for "*" on it where aws:PrincipalArn is ArnNotEquals the deployment's role.`,
        ),
        // A Deny that excludes a role by name lets it write.
        ...DEPLOYMENT_FOLDERS.flatMap((folder) =>
          roles
            .filter(
              (role) => isInstances(role) && !denies(folder, { "aws:PrincipalArn": arnOfRole(role, stack) }),
            )
            .map(
              ({ inputs }) =>
                `The policy lets ${text(inputs.name)} write ${folder}/. Write only the deployment's role in its Deny.`,
            ),
        ),
        ...writersOf.flatMap(([folder, others]) =>
          others
            .filter((role) => !denies(folder, { "aws:PrincipalArn": arnOfRole(role, stack) }))
            .map(
              ({ inputs }) =>
                `The policy lets ${text(inputs.name)} write ${folder}/. Write a Deny of s3:PutObject for "*" on it where aws:PrincipalArn is ArnEquals the roles of CI and instances.`,
            ),
        ),
      ];
    });
  },
});
