import { expect } from "chai";
import type { Fault } from "./provider/faults";
import { Lab } from "./lab";
import { TRY_ALL } from "./runbook";

/** An explicit dependency (`dependsOn`), without which AWS refuses a resource that is created too early. */
interface Edge {
  what: string;
  file: string;
  edge: string;
  /** The source text without the dependency. */
  without: string;
  /** The resources that others wait for: type, and names in the program. */
  target: [type: string, ...names: string[]];
  refusal: RegExp;
}

/** In groups whose failures do not hide one another, so that one update shows the purpose of each edge. */
const GROUPS: Edge[][] = [
  [
    {
      what: "the dead letter queue before the queue",
      file: "components/taskQueue.ts",
      edge: "dependsOn: [deadLetters]",
      without: "",
      target: ["aws:sqs/queue:Queue", "tasks-dead-letters"],
      refusal: /InvalidParameterValue: arn:aws:sqs:\S+-dead-letters does not exist/,
    },
    {
      what: "the internet gateway before the NAT gateway",
      file: "components/network.ts",
      edge: "dependsOn: [gateway]",
      without: "dependsOn: [gateway].slice(0, 0)",
      target: ["aws:ec2/internetGateway:InternetGateway", "network"],
      refusal: /Gateway\.NotAttached/,
    },
    {
      what: "our log groups before RDS makes its own",
      file: "components/database.ts",
      edge: "dependsOn: createLogGroups(this, name, args)",
      without: "dependsOn: createLogGroups(this, name, args).slice(0, 0)",
      target: ["aws:cloudwatch/logGroup:LogGroup", "database-postgresql"],
      refusal: /ResourceAlreadyExistsException: \/aws\/rds\/instance\/\S+\/postgresql/,
    },
  ],
  [
    {
      what: "the right to write access logs before the load balancer that writes them",
      file: "components/beanstalk/environment.ts",
      edge: "hosting.accessLogs.policy, ",
      without: "",
      target: ["aws:s3/bucketPolicy:BucketPolicy", "logs"],
      refusal: /InvalidConfigurationRequest: access denied for bucket \S+-logs/,
    },
  ],
  [
    {
      what: "the rights of instances before instances",
      file: "components/beanstalk/environment.ts",
      edge: "...profile.resources,",
      without: "",
      target: ["aws:iam/rolePolicy:RolePolicy", "web"],
      refusal: /Failed to launch environment: the role \S+-web has no permissions/,
    },
    {
      what: "the rights of Beanstalk before an environment",
      file: "components/beanstalk/environment.ts",
      edge: "...hosting.serviceRole.policyAttachments,",
      without: "",
      target: [
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "beanstalk-service-enhanced-health",
        "beanstalk-service-enhanced-health",
      ],
      refusal: /Failed to launch environment: the role \S+-beanstalk-service has no permissions/,
    },
  ],
];

/** Simulates slow creations without clocks: they fail, and resources that do not wait for them are created. */
const late = (edges: Edge[]): Fault[] =>
  edges.flatMap(({ target: [type, ...names] }) =>
    names.map((name) => ({ operation: "create", type, name, action: "fail" })),
  );

describe("the order of creations", () => {
  for (const edges of GROUPS) {
    it(`needs its explicit dependencies: ${edges.map(({ what }) => what).join("; ")}`, async () => {
      const lab = await Lab.open("staging");
      try {
        for (const { file, edge, without } of edges) lab.edit(file, edge, without);
        lab.faults(...late(edges));
        // At the second attempt, the log groups that RDS made at the first are in the way of ours.
        const runs = [await lab.run(TRY_ALL), await lab.run(TRY_ALL)];
        const output = runs.map((ran) => ran.output).join("\n");
        for (const { what, refusal } of edges) expect(output, what).to.match(refusal);
      } finally {
        lab.close();
      }
    });
  }

  it("creates nothing before its explicit dependencies", async () => {
    const lab = await Lab.open("staging");
    try {
      lab.faults(...late(GROUPS.flat()));
      const failed = await lab.run(TRY_ALL);
      expect(failed.output.match(/simulated fault: create of \S+ \S+/g)).to.include.members(
        late(GROUPS.flat()).map(({ type, name }) => `simulated fault: create of ${type} ${name}`),
      );
      const { code, output } = await lab.follow("retry");
      expect(code, output).to.equal(0);
      for (const { what, refusal } of GROUPS.flat())
        expect(failed.output + output, what).not.to.match(refusal);
      expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
    } finally {
      lab.close();
    }
  });
});
