import { expect } from "chai";
import { pulumiStackStatements } from "../../../../components/iam/ci/pulumiStack";
import { Role } from "../../../authorization";

const STACK = { project: "iaso", stack: "prod" };

describe("components/iam/ci/pulumiStack", () => {
  const args = { stateBucket: "example-state", ...STACK };
  const object = (key: string) => `arn:aws:s3:::example-state/.pulumi/${key}`;

  it("allows reading the current state, and changing it with its history and lock only with write access", () => {
    const stateOf = (access: "read" | "write") =>
      pulumiStackStatements(args, access).find(({ Sid }) => Sid === "State");
    expect(stateOf("read")).to.deep.include({
      Action: ["s3:GetObject"],
      Resource: [
        object("stacks/iaso/prod.json"),
        object("stacks/iaso/prod.json.gz"),
        object("stacks/iaso/prod.json.zst"),
        object("stacks/iaso/prod.pulumi-tags"),
      ],
    });
    expect(stateOf("write")).to.deep.include({
      Action: ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      Resource: [
        object("stacks/iaso/prod.json*"),
        object("stacks/iaso/prod.pulumi-tags"),
        object("backups/iaso/prod/*"),
        object("history/iaso/prod/*"),
        object("locks/organization/iaso/prod/*"),
      ],
    });
  });

  it("gives a preview no earlier state, which can hold secrets", () => {
    const role = new Role(pulumiStackStatements(args, "read"));
    for (const key of [
      "stacks/iaso/prod.json.bak",
      "backups/iaso/prod/prod.1.json.bak",
      "history/iaso/prod/prod-1.checkpoint.json",
    ])
      expect(role.allows({ action: "s3:GetObject", resource: object(key) }), key).to.equal(false);
    const version = { action: "s3:GetObjectVersion", resource: object("stacks/iaso/prod.json") };
    expect(role.allows(version)).to.equal(false);
  });

  it("reaches the state of no other stack in the same bucket", () => {
    for (const access of ["read", "write"] as const) {
      const role = new Role(pulumiStackStatements(args, access));
      const read = (key: string) => role.allows({ action: "s3:GetObject", resource: object(key) });
      for (const key of ["stacks/iaso/prod.json", "stacks/iaso/prod.pulumi-tags", "meta.yaml"])
        expect(read(key), key).to.equal(true);
      for (const key of ["stacks/iaso/staging.json", "history/iaso/prod2/1.json", "stacks/other/prod.json"])
        expect(read(key), key).to.equal(false);
    }
  });

  it("allows nothing if Pulumi Cloud keeps state and secrets", () => {
    for (const access of ["read", "write"] as const) {
      expect(pulumiStackStatements({ stateBucket: "", ...STACK }, access)).to.deep.equal([]);
    }
  });
});
