import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { evaluate } from "../../policies/evaluate";
import { Resource } from "../../policies/rule";
import { previewStack } from "../../simulator/preview";
import { readProject } from "../../simulator/project";

const ROOT = join(__dirname, "..", "..");
const DB = "aws:rds/instance:Instance";
/** Rule that must catch it, type, name, property, unsafe value. */
const MUTANTS: [string, string, string, string, unknown][] = [
  ["database-private", DB, "", "publiclyAccessible", true],
  ["database-encrypted", DB, "", "storageEncrypted", false],
  ["database-deletion-protection", DB, "", "deletionProtection", undefined],
  ["database-final-snapshot", DB, "", "skipFinalSnapshot", true],
  ["database-backups", DB, "", "backupRetentionPeriod", 0],
  ["database-version", DB, "", "engineVersion", "11.22"],
  ["database-tls", "aws:rds/parameterGroup:ParameterGroup", "", "parameters", []],
  ["queue-encrypted", "aws:sqs/queue:Queue", "tasks", "sqsManagedSseEnabled", false],
  ["queue-visibility", "aws:sqs/queue:Queue", "tasks", "visibilityTimeoutSeconds", 30],
  ["queue-dead-letters", "aws:sqs/queue:Queue", "tasks", "redrivePolicy", undefined],
  ["queue-tls-only", "aws:sqs/queuePolicy:QueuePolicy", "tasks", "policy", '{"Statement":[]}'],
  ["media-signature-age", "aws:s3/bucketPolicy:BucketPolicy", "media", "policy", '{"Statement":[]}'],
  [
    "bucket-private",
    "aws:s3/bucketPolicy:BucketPolicy",
    "media",
    "policy",
    '{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"1"},"NotAction":"s3:X","Resource":"*"}}',
  ],
  [
    "static-readable",
    "aws:s3/bucketPolicy:BucketPolicy",
    "static",
    "policy",
    '{"Statement":{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":"s3:*","Resource":"*"}}',
  ],
  [
    "bucket-public-access-block",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "media",
    "blockPublicPolicy",
    undefined,
  ],
  ["bucket-class", "aws:s3/bucket:Bucket", "media", "tags", {}],
  ["no-open-ingress", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "", "fromPort", 0],
  ["web-worker-pair", "aws:elasticbeanstalk/environment:Environment", "worker", "solutionStackName", "other"],
  ["variables-present", "aws:elasticbeanstalk/environment:Environment", "web", "settings", []],
];

describe("policy pack on the real stacks", () => {
  for (const stack of ["staging", "prod"])
    it(`finds nothing in ${stack} and every mutant of it`, async () => {
      const { document } = await previewStack(readProject(ROOT), stack, { policies: false });
      const config: unknown = JSON.parse(
        readFileSync(join(ROOT, "policies", `policy-config.${stack}.json`), "utf8"),
      );
      const judge = (resources: Resource[]) => evaluate(resources, { config }).violations;
      expect(judge(document.resources)).to.deep.equal([]);
      for (const [rule, type, name, property, value] of MUTANTS) {
        const resources = structuredClone(document.resources) as Resource[];
        const target = resources.find((one) => one.type === type && (name === "" || one.name === name));
        if (target === undefined) expect.fail(`no ${type} ${name}`);
        target.inputs[property] = value;
        expect(
          judge(resources).map(({ policy }) => policy),
          rule,
        ).to.include(rule);
      }
    });
});
