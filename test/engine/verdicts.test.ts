import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Lab } from "./lab";

const PROJECT = join(__dirname, "../..");

/** Unsafe edits of the program that AWS accepts: of one resource, of two together, of roles and of the network. */
const EDITS: [file: string, from: string, to: string][] = [
  [
    "components/database.ts",
    '{ name: "rds.force_ssl", value: "1" }',
    '{ name: "rds.force_ssl", value: "0" }',
  ],
  ["components/mediaBucket.ts", "15 * 60 * 1000", "60 * 60 * 1000"],
  ["components/taskQueue.ts", "sqsManagedSseEnabled: true", "sqsManagedSseEnabled: false"],
  ["components/securityGroups.ts", "fromPort: port", "fromPort: 0"],
  ["components/alarms.ts", 'Action: "sns:Publish"', 'Action: "sns:GetTopicAttributes"'],
  [
    "components/iam/ci/deploy.ts",
    '"s3:GetBucketLocation", "s3:ListBucket"',
    '"s3:GetBucketLocation", "iam:CreateUser"',
  ],
];

/**
 * The verdicts of the pack on the engine: its events, as "level rule URN message". The SDK writes the rule's description
 * on a line before the message.
 */
function verdictsOf(events: ReturnType<Lab["policyEvents"]>): string[] {
  return events.flatMap(({ policyEvent }) => {
    if (policyEvent === undefined) return [];
    const { enforcementLevel, policyName, resourceUrn = "", message } = policyEvent;
    const own = message.slice(message.indexOf("\n") + 1).trim();
    return [`${enforcementLevel} ${policyName} ${resourceUrn} ${own}`];
  });
}

/** The verdicts of `npm run check` on a file, and its output in words. */
function check(lab: Lab, file: string): { verdicts: string[]; output: string; code: number | null } {
  const run = (...flags: string[]) =>
    spawnSync(
      process.execPath,
      [
        "--require",
        join(PROJECT, "cli/loader.cjs"),
        join(PROJECT, "preview/check.ts"),
        "--graph",
        file,
        ...flags,
      ],
      { cwd: lab.work, encoding: "utf8" },
    );
  const { status, stdout, stderr } = run("--json");
  expect(status, stderr).to.be.oneOf([0, 1]);
  const { violations } = JSON.parse(stdout) as {
    violations: { level: string; policy: string; urn: string; message: string }[];
  };
  return {
    verdicts: violations.map(({ level, policy, urn, message }) => `${level} ${policy} ${urn} ${message}`),
    output: run().stdout,
    code: status,
  };
}

describe("the verdicts of the policy pack on an existing stack", () => {
  let lab: Lab;
  before(async () => {
    lab = await Lab.open("staging");
    // Without the pack, which would refuse it.
    for (const [file, from, to] of EDITS) lab.edit(file, from, to);
    await lab.up();
  });
  after(() => {
    lab.close();
  });

  it("are the same from the engine, and from check on the export and on the engine's preview", async () => {
    const [preview = ""] = lab.commands("deploy");
    const { code, output } = await lab.run(preview);
    expect(code, output).not.to.equal(0);
    const engine = verdictsOf(lab.policyEvents());
    expect(new Set(engine.map((one) => one.split(" ")[1])).size).to.be.at.least(EDITS.length);

    const file = join(lab.folder, "export.json");
    writeFileSync(file, JSON.stringify(await (await lab.stack()).exportStack()));
    const onExport = check(lab, file);
    expect(onExport.verdicts).to.have.members(engine);
    expect(onExport.output).not.to.include("do not exist yet");

    const digest = join(lab.folder, "digest.json");
    const { code: previewed, output: said } = await lab.run(
      `pulumi preview --stack "$STACK" --json --show-sames > "${digest}"`,
    );
    expect(previewed, said).to.equal(0);
    const onDigest = check(lab, digest);
    expect(onDigest.verdicts).to.have.members(engine);
    expect(onDigest.output).not.to.include("do not exist yet");
  });

  it("and a KMS key that comes later replaces no store, and leaves the pack without another complaint", async () => {
    for (const [file, from, to] of EDITS) lab.edit(file, to, from);
    const stores = () =>
      lab.account
        .ofType("aws:rds/instance:Instance", "aws:elasticache/replicationGroup:ReplicationGroup")
        .map(({ id }) => id);
    const before = stores();
    expect(before).to.have.length(3);
    await lab.set("encryptionKey", "customer");
    const { code, output, operations } = await lab.follow("deploy");
    expect(code, output).to.equal(0);
    expect(operations.flat().filter((one) => /replace|delete/.test(one))).to.deep.equal([]);
    expect(stores()).to.deep.equal(before);
    const database = lab.account.ofType("aws:rds/instance:Instance")[0];
    expect(database?.inputs).not.to.have.any.keys("kmsKeyId", "performanceInsightsKmsKeyId");
    const queues = lab.account.ofType("aws:sqs/queue:Queue");
    expect(queues.map(({ inputs }) => inputs.kmsMasterKeyId)).to.deep.equal([
      "alias/iaso-staging",
      "alias/iaso-staging",
    ]);

    await lab.set("encryptionKey", "aws");
    const back = await lab.follow("deploy");
    expect(back.code).not.to.equal(0);
    expect(back.output).to.match(/encryption-key.*protect|protect.*encryption-key/s);
    expect(lab.account.ofType("aws:kms/key:Key")).to.have.length(1);
  });
});
