import { expect } from "chai";
import { Lab } from "./lab";
import { testedCommands } from "./runbook";

interface Violation {
  rule: string;
  /** Part of the message that has to be shown. */
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
    file: "components/bucket.ts",
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
    file: "components/beanstalkOptions.ts",
    from: "DisableIMDSv1: true",
    to: "DisableIMDSv1: false",
  },
  {
    rule: "plain-http-off",
    says: "elbv2:listener:default/ListenerEnabled",
    file: "components/beanstalkOptions.ts",
    from: '"aws:elbv2:listener:default": { ListenerEnabled: false }',
    to: '"aws:elbv2:listener:default": { ListenerEnabled: true }',
  },
  {
    rule: "no-open-ingress",
    says: "are open to the internet. Name a security group as source",
    file: "components/securityGroups.ts",
    from: "fromPort: port",
    to: "fromPort: 0",
  },
  {
    rule: "variables-known",
    says: "Iaso reads no variable DNS_DOMAINS",
    file: "components/applicationEnvironment.ts",
    from: "DNS_DOMAIN: args.webHost",
    to: "DNS_DOMAIN: args.webHost, DNS_DOMAINS: args.webHost",
  },
  {
    rule: "oidc-trust",
    says: "The subject is not limited",
    file: "components/ciAccess.ts",
    from: "`repo:${infrastructureRepository}:environment:${naming.env}`",
    to: "`repo:${infrastructureRepository}:*`",
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
    it(`refuses what ${rule} forbids, at preview and at up, before anything is created`, async () => {
      lab.edit(file, from, to);
      try {
        const [preview = "", up = ""] = testedCommands("deploy").trim().split("\n");
        for (const command of [preview, up]) {
          const { code, output } = await lab.run(`${testedCommands("setup")}${command}`);
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

  for (const stackName of ["staging", "prod"]) {
    it(`judges every rule at the first preview of ${stackName}`, async () => {
      const fresh = await Lab.open(stackName);
      try {
        const [preview = ""] = testedCommands("deploy").trim().split("\n");
        const { code, output } = await fresh.run(`${testedCommands("setup")}${preview}`);
        expect(code, output).to.equal(0);
        expect(output)
          .to.include("iaso-on-aws@")
          .and.not.match(/could not be evaluated|\[(mandatory|advisory)\]/);
      } finally {
        fresh.close();
      }
    });
  }
});
