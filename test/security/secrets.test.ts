import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { PreviewDocument } from "../../graph/document";
import { optionalSecrets, secretNames } from "../../settings/secrets";
import { ACCOUNT, REGION, type Role, roleOf } from "../authorization";
import { previewWith } from "../support";

const ROOT = join(__dirname, "../..");
const STATE = "example-pulumi-state";

/** The stack with everything that could bring a secret into it: state in S3, and Redis with a token. */
const stack = () =>
  previewWith({
    stateBucket: STATE,
    enketoRedisTls: true,
    enketoImage: "enketo/enketo-express:7.5.1",
  });

const parameter = (env: string, name: string) =>
  `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/iaso-secrets/${env}/${name}`;

/** The secrets that a role can read, by every call that returns one. */
function readable(role: Role, env: string): string[] {
  return [...secretNames, ...Object.keys(optionalSecrets)].filter((name) =>
    ["GetParameter", "GetParameters", "GetParameterHistory", "GetParametersByPath"].some((action) =>
      role.allows({ action: `ssm:${action}`, resource: parameter(env, name) }),
    ),
  );
}

describe("security: secrets of a stack", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await stack();
  });

  it("are out of reach of the code of a pull request, whatever it calls", () => {
    const role = roleOf(document, "ci-preview");
    expect(readable(role, "staging")).to.deep.equal([]);
    const key = `arn:aws:kms:${REGION}:${ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef`;
    const context = {
      "kms:ViaService": `ssm.${REGION}.amazonaws.com`,
      "kms:EncryptionContext:PARAMETER_ARN": parameter("staging", "SECRET_KEY"),
    };
    for (const [action, resource] of [
      ["kms:Decrypt", key],
      ["secretsmanager:GetSecretValue", `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:rds!db-1-abcdef`],
      ["ssm:PutParameter", parameter("staging", "SECRET_KEY")],
      ["rds:ModifyDBInstance", `arn:aws:rds:${REGION}:${ACCOUNT}:db:iaso-staging`],
      ["sts:AssumeRole", `arn:aws:iam::${ACCOUNT}:role/iaso-staging-web`],
    ] as const)
      expect(role.allows({ action, resource, context }), action).to.equal(false);
  });

  it("are not in what such code can read: the current state of its own stack", () => {
    const role = roleOf(document, "ci-preview");
    const reads = (key: string) =>
      role.allows({ action: "s3:GetObject", resource: `arn:aws:s3:::${STATE}/.pulumi/${key}` });
    expect(reads("stacks/iaso/staging.json")).to.equal(true);
    for (const key of [
      "stacks/iaso/prod.json",
      "stacks/iaso/staging.json.bak",
      "backups/iaso/staging/staging.1.json.bak",
      "history/iaso/staging/staging-1.checkpoint.json",
    ])
      expect(reads(key), key).to.equal(false);
    // The state has these inputs and the outputs that follow from them. test/engine/lifecycle.test.ts searches the state of
    // the real engine, decrypted, for the values.
    for (const { urn, inputs, secretInputs } of document.resources) {
      expect(secretInputs, urn).to.deep.equal([]);
      expect(inputs, urn).not.to.have.any.keys("password", "passwordWo", "authToken", "authTokenWo");
      expect(inputs.type, urn).not.to.equal("SecureString");
    }
  });

  it("are read by instances only, each instance only those that its variables name", () => {
    const redis = "ENKETO_REDIS_AUTH_TOKEN";
    const enketos = ["ENKETO_API_TOKEN", "ENKETO_ENCRYPTION_KEY", redis];
    const iasos = secretNames.filter((name) => !["ENKETO_ENCRYPTION_KEY", redis].includes(name));
    const expected: Record<string, string[]> = {
      web: iasos,
      worker: iasos,
      enketo: enketos,
      "ci-preview": [],
      "ci-up": [],
      // A token of Iaso's API, not a key.
      "ci-deploy": ["DEPLOY_API_TOKEN"],
      "beanstalk-service": [],
      "database-monitoring": [],
    };
    for (const [name, secrets] of Object.entries(expected)) {
      const role = roleOf(document, name);
      expect(readable(role, "staging"), name).to.have.members(secrets);
      expect(readable(role, "prod"), `${name} in another environment`).to.deep.equal([]);
    }
  });

  it("cannot be replaced by a workflow", () => {
    for (const name of ["ci-preview", "ci-up", "ci-deploy"]) {
      const role = roleOf(document, name);
      for (const action of ["ssm:PutParameter", "ssm:DeleteParameter", "ssm:LabelParameterVersion"])
        expect(role.allows({ action, resource: parameter("staging", "SECRET_KEY") }), name).to.equal(false);
    }
  });

  it("need no passphrase in workflows: theirs is empty, and they have no secret of GitHub's", () => {
    for (const file of ["preview.yml", "up.yml"]) {
      const text = readFileSync(join(ROOT, ".github/workflows", file), "utf8");
      expect(text, file).not.to.match(/\bsecrets\./);
      const passphrases = JSON.stringify(parse(text)).match(/"PULUMI_CONFIG_PASSPHRASE":"[^"]*"/g) ?? [];
      expect(passphrases, file).to.deep.equal(['"PULUMI_CONFIG_PASSPHRASE":""']);
    }
  });
});
