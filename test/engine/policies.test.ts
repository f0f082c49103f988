import { expect } from "chai";
import { Lab } from "./lab";

interface Violation {
  rule: string;
  /** A part of the rule's message. */
  says: string;
  file: string;
  from: string;
  to: string;
}

const VIOLATIONS: Violation[] = [
  {
    rule: "database-private",
    says: "publiclyAccessible is true. Write false",
    file: "components/database.ts",
    from: "publiclyAccessible: false",
    to: "publiclyAccessible: true",
  },
  {
    rule: "database-tls",
    says: "rds.force_ssl",
    file: "components/database.ts",
    from: '{ name: "rds.force_ssl", value: "1" }',
    to: '{ name: "rds.force_ssl", value: "0" }',
  },
  {
    rule: "media-signature-age",
    says: "accepts signatures older than 900000 ms",
    file: "components/mediaBucket.ts",
    from: "15 * 60 * 1000",
    to: "60 * 60 * 1000",
  },
  {
    rule: "bucket-public-access-block",
    says: "blockPublicPolicy is false. Write true",
    file: "components/common/bucket.ts",
    from: "blockPublicPolicy: !publicPolicy",
    to: "blockPublicPolicy: false",
  },
  {
    rule: "queue-encrypted",
    says: "sqsManagedSseEnabled is false. Write true",
    file: "components/taskQueue.ts",
    from: "sqsManagedSseEnabled: true",
    to: "sqsManagedSseEnabled: false",
  },
  {
    rule: "imds-v2",
    says: "DisableIMDSv1",
    file: "components/beanstalk/options.ts",
    from: "DisableIMDSv1: true",
    to: "DisableIMDSv1: false",
  },
  {
    rule: "plain-http-off",
    says: "elbv2:listener:default/ListenerEnabled",
    file: "components/beanstalk/options.ts",
    from: '"aws:elbv2:listener:default": { ListenerEnabled: false }',
    to: '"aws:elbv2:listener:default": { ListenerEnabled: true }',
  },
  {
    rule: "no-open-ingress",
    says: "are open to the internet. Write a security group as source",
    file: "components/securityGroups.ts",
    from: "fromPort: port",
    to: "fromPort: 0",
  },
  {
    rule: "variables-known",
    says: "Iaso reads no variable DNS_DOMAINS",
    file: "components/beanstalk/applicationEnvironment.ts",
    from: "DNS_DOMAIN: args.webHost",
    to: "DNS_DOMAIN: args.webHost, DNS_DOMAINS: args.webHost",
  },
  {
    rule: "oidc-trust",
    says: "The subject is not limited",
    file: "components/ciAccess.ts",
    from: "[`repo:${infrastructureRepository}:environment:infrastructure-${naming.env}`]",
    to: "[`repo:${infrastructureRepository}:*`]",
  },
];

describe("the policy pack on the real engine", () => {
  let lab: Lab;
  before(async () => {
    lab = await Lab.open("staging");
  });
  after(() => {
    lab.close();
  });

  for (const { rule, says, file, from, to } of VIOLATIONS) {
    it(`refuses a violation of ${rule} at preview and at up, before anything is created`, async () => {
      lab.edit(file, from, to);
      try {
        const commands = lab.commands("deploy");
        expect(commands.map((command) => /pulumi (\w+)/.exec(command)?.[1])).to.deep.equal(["preview", "up"]);
        for (const command of commands) {
          const { code, output } = await lab.run(command);
          expect(code, output).not.to.equal(0);
          expect(output)
            .to.match(new RegExp(`\\[mandatory\\].*  ${rule}  `))
            .and.include(says);
        }
        expect(lab.account.resources).to.deep.equal([]);
      } finally {
        lab.edit(file, to, from);
      }
    });
  }

  it("refuses all of them together, each with its own message @short", async () => {
    for (const { file, from, to } of VIOLATIONS) lab.edit(file, from, to);
    try {
      for (const command of lab.commands("deploy")) {
        const { code, output } = await lab.run(command);
        expect(code, output).not.to.equal(0);
        for (const { rule, says } of VIOLATIONS) {
          expect(output)
            .to.match(new RegExp(`\\[mandatory\\].*  ${rule}  `))
            .and.include(says);
        }
      }
      expect(lab.account.resources).to.deep.equal([]);
    } finally {
      for (const { file, from, to } of VIOLATIONS) lab.edit(file, to, from);
    }
  });

  for (const stackName of ["staging", "prod"]) {
    for (const image of [true, false]) {
      it(`judges every rule at the first preview of ${stackName}, its image ${image ? "named" : "to be built"}`, async () => {
        const fresh = await Lab.open(stackName, { image });
        try {
          const [preview = ""] = fresh.commands("deploy");
          const { code, output } = await fresh.run(preview);
          expect(code, output).to.equal(0);
          expect(output)
            .to.include("iaso-on-aws@")
            .and.not.match(/could not be evaluated|can't run polic|\[(mandatory|advisory)\]/);
        } finally {
          fresh.close();
        }
      });
    }
  }

  it("refuses and reports a resource that a mandatory rule cannot judge because a value is unknown", async () => {
    lab.edit(
      "components/database.ts",
      "publiclyAccessible: false",
      "publiclyAccessible: parameterGroup.arn.apply(() => false)",
    );
    try {
      const [preview = ""] = lab.commands("deploy");
      const { code, output } = await lab.run(preview);
      expect(code, output).not.to.equal(0);
      expect(output)
        .to.match(/\[mandatory\].* {2}database-private {2}/)
        .and.include("could not be evaluated");
    } finally {
      lab.edit(
        "components/database.ts",
        "publiclyAccessible: parameterGroup.arn.apply(() => false)",
        "publiclyAccessible: false",
      );
    }
  });
});
