import { expect } from "chai";
import { pulumiStackStatements } from "../../../../components/iam/ci/pulumiStack";
import { Role } from "../../../authorization";

const STACK = { project: "iaso", stack: "prod" };
const KEY = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef";

describe("components/iam/ci/pulumiStack", () => {
  it("allows reading the state, and changing it only with write access", () => {
    for (const [access, actions] of [
      ["read", ["s3:GetObject"]],
      ["write", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]],
    ] as const) {
      expect(
        pulumiStackStatements({ stateBucket: "example-state", secretsKeyArn: "", ...STACK }, access),
      ).to.deep.include.members([
        {
          Sid: "State",
          Effect: "Allow",
          Action: actions,
          Resource: [
            "arn:aws:s3:::example-state/.pulumi/stacks/iaso/prod.json*",
            "arn:aws:s3:::example-state/.pulumi/backups/iaso/prod/*",
            "arn:aws:s3:::example-state/.pulumi/history/iaso/prod/*",
            "arn:aws:s3:::example-state/.pulumi/locks/organization/iaso/prod/*",
          ],
        },
      ]);
    }
  });

  it("reaches the state of no other stack in the same bucket", () => {
    for (const access of ["read", "write"] as const) {
      const args = { stateBucket: "example-state", secretsKeyArn: "", ...STACK };
      const role = new Role(pulumiStackStatements(args, access));
      const read = (key: string) =>
        role.allows({ action: "s3:GetObject", resource: `arn:aws:s3:::example-state/.pulumi/${key}` });
      for (const key of [
        "stacks/iaso/prod.json",
        "stacks/iaso/prod.json.bak",
        "history/iaso/prod/1.json",
        "meta.yaml",
      ])
        expect(read(key), key).to.equal(true);
      for (const key of ["stacks/iaso/staging.json", "history/iaso/prod2/1.json", "stacks/other/prod.json"])
        expect(read(key), key).to.equal(false);
    }
  });

  it("allows decrypting with the stack's key, and with no other", () => {
    for (const access of ["read", "write"] as const) {
      expect(pulumiStackStatements({ stateBucket: "", secretsKeyArn: KEY, ...STACK }, access)).to.deep.equal([
        { Sid: "DecryptStackSecrets", Effect: "Allow", Action: "kms:Decrypt", Resource: KEY },
      ]);
    }
  });

  it("allows nothing if Pulumi Cloud keeps state and secrets", () => {
    for (const access of ["read", "write"] as const) {
      expect(pulumiStackStatements({ stateBucket: "", secretsKeyArn: "", ...STACK }, access)).to.deep.equal(
        [],
      );
    }
  });
});
