import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { secretNames, secretOf } from "../../settings/secrets";
import { leaksIn } from "../leaks";
import { AccountDouble } from "../settings/accountDouble";
import { Lab, SECRETS } from "./lab";

const PARAMETER = "aws:ssm/parameter:Parameter";
const DATABASE = "aws:rds/instance:Instance";
const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";

/** The program as it was when secrets passed through it: where it differs, and what it had there. */
const FORMER: [file: string, now: string, before: string][] = [
  [
    "components/database.ts",
    "manageMasterUserPassword: true,",
    `password: pulumi.secret(${JSON.stringify(SECRETS.RDS_PASSWORD)}),`,
  ],
  ["components/database.ts", 'ignoreChanges: ["manageMasterUserPassword"],', ""],
  [
    "components/enketo.ts",
    "transitEncryptionEnabled: redis.tls,",
    `transitEncryptionEnabled: redis.tls, authToken: pulumi.secret(${JSON.stringify(SECRETS.ENKETO_REDIS_AUTH_TOKEN)}),`,
  ],
  [
    "index.ts",
    "// Outputs\n",
    `for (const [name, value] of Object.entries(${JSON.stringify(SECRETS)}))
       new aws.ssm.Parameter("secrets-" + name, {
         name: "/iaso/staging/secrets/" + name, type: "SecureString", value: pulumi.secret(value),
       }, opts);\n// Outputs\n`,
  ],
];

describe("a stack whose secrets are in Pulumi's state", () => {
  let lab: Lab;
  const aws = new AccountDouble();
  before(async () => {
    lab = await Lab.open("staging");
    // Stands for the AWS CLI, which says that both Redis have a token.
    writeFileSync(join(lab.folder, "bin/aws"), "#!/bin/sh\necho '{}'\n", { mode: 0o755 });
    await lab.set("enketoRedisTls", "true");
    await lab.set("enketoImage", "enketo/enketo-express:7.5.1");
    const files = [...new Set(FORMER.map(([file]) => file))].map((file) => [file, lab.read(file)] as const);
    for (const [file, now, then] of FORMER) lab.edit(file, now, then);
    await lab.up();
    for (const [file, text] of files) lab.write(file, text);
    const stack = await lab.stack();
    for (const name of secretNames)
      await stack.setConfig(`iaso:${secretOf(name).formerSetting ?? ""}`, {
        value: SECRETS[name],
        secret: true,
      });
  });
  after(() => {
    aws.stop();
    lab.close();
  });

  const decrypted = async () => (await lab.run('pulumi stack export --show-secrets --stack "$STACK"')).output;

  it("is not updated before its secrets are in Parameter Store", async () => {
    expect(leaksIn(await decrypted(), SECRETS)).to.have.members(secretNames);
    const { code, output } = await lab.follow("retry");
    expect(code).not.to.equal(0);
    expect(output).to.include("iaso:secretKey is a secret").and.include("npm run init-stack -- staging");
    expect(lab.account.ofType(PARAMETER).length).to.be.above(secretNames.length);
  });

  it("has them moved by init-stack, and keeps each value", async () => {
    const env = await aws.start();
    const { code, output } = await lab.follow("init-stack", env);
    expect(code, output).to.equal(0);
    const moved = [...aws.parameters].map(([name, { value }]) => [name.split("/").at(-1), value]);
    expect(Object.fromEntries(moved)).to.deep.equal(SECRETS);
    expect(lab.read("Pulumi.staging.yaml")).not.to.include("secure:");
  });

  it("forgets them: the next update deletes the former parameters, and changes no password", async () => {
    const forgot = await lab.follow("forget-secrets");
    expect(forgot.code, forgot.output).to.equal(0);
    const { code, output, operations } = await lab.follow("retry");
    expect(code, output).to.equal(0);
    expect(operations).to.deep.equal([
      secretNames.map((name) => `delete ${PARAMETER} secrets-${name}`).sort(),
    ]);
    expect(leaksIn(await decrypted(), SECRETS)).to.deep.equal([]);
    const [database] = lab.account.ofType(DATABASE);
    expect(database?.inputs).to.include({ password: SECRETS.RDS_PASSWORD });
    expect(database?.inputs).not.to.have.property("manageMasterUserPassword");
    for (const redis of lab.account.ofType(REDIS))
      expect(redis.inputs.authToken).to.equal(SECRETS.ENKETO_REDIS_AUTH_TOKEN);
    const again = await lab.follow("retry");
    expect(again.operations).to.deep.equal([[]]);
  });
});
