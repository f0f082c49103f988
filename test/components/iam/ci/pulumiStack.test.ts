import { expect } from "chai";
import { pulumiStackStatements } from "../../../../components/iam/ci/pulumiStack";

const KEY = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef";

describe("components/iam/ci/pulumiStack", () => {
  it("allows reading the state, and changing it only with write access", () => {
    for (const [access, actions] of [
      ["read", ["s3:GetObject"]],
      ["write", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]],
    ] as const) {
      expect(
        pulumiStackStatements({ stateBucket: "example-state", secretsKeyArn: "" }, access),
      ).to.deep.equal([
        { Sid: "State", Effect: "Allow", Action: actions, Resource: "arn:aws:s3:::example-state/*" },
      ]);
    }
  });

  it("allows decrypting with the stack's key, and with no other", () => {
    for (const access of ["read", "write"] as const) {
      expect(pulumiStackStatements({ stateBucket: "", secretsKeyArn: KEY }, access)).to.deep.equal([
        { Sid: "DecryptStackSecrets", Effect: "Allow", Action: "kms:Decrypt", Resource: KEY },
      ]);
    }
  });

  it("allows nothing if Pulumi Cloud keeps state and secrets", () => {
    for (const access of ["read", "write"] as const) {
      expect(pulumiStackStatements({ stateBucket: "", secretsKeyArn: "" }, access)).to.deep.equal([]);
    }
  });
});
