import { expect } from "chai";
import { upStatements } from "../../../../components/iam/ci/up";
import { upServiceStatements } from "../../../../components/iam/ci/upServices";
import { policyDocument } from "../../../../components/iam/policyDocument";
import { Role } from "../../../authorization";
import { naming, PolicyStatement, statementsOf } from "../../../support";

const actionsOf = (statements: PolicyStatement[]) => statements.flatMap(({ Action }) => Action);

const allowed = (statements: Record<string, PolicyStatement>) =>
  Object.values(statements).filter(({ Effect }) => Effect === "Allow");

describe("components/iam/ci/up", () => {
  const services = Object.values(upServiceStatements(naming, ["iaso.example.org"])).flat();

  it("has no wildcard for actions of a service, and no Resource *", () => {
    const actions = services.flatMap(({ Action }) => Action);
    expect(actions.filter((action) => action.includes("*"))).to.deep.equal([]);
    const wide = services.filter(({ Resource }) => Resource === "*");
    expect(wide).to.deep.equal([]);
  });

  it("leaves to an administrator how media are protected, and who reaches any bucket", () => {
    const role = new Role(services);
    const allowed = { media: [] as string[], static: [] as string[], artifacts: [] as string[] };
    for (const [bucket, actions] of Object.entries(allowed))
      actions.push(
        ...["PutBucketPolicy", "DeleteBucketPolicy", "PutBucketPublicAccessBlock"]
          .concat(["PutLifecycleConfiguration", "PutBucketVersioning", "DeleteBucket"])
          .filter((action) =>
            role.allows({ action: `s3:${action}`, resource: `arn:aws:s3:::example-iaso-test-${bucket}` }),
          ),
      );
    const others = ["PutLifecycleConfiguration", "PutBucketVersioning", "DeleteBucket"];
    expect(allowed).to.deep.equal({ media: [], static: others, artifacts: others });
    expect(
      role.allows({ action: "s3:GetObject", resource: "arn:aws:s3:::example-iaso-test-media/photo.jpg" }),
    ).to.equal(false);
  });

  it("changes records of its own hosts only, and those that validate their certificates", () => {
    const role = new Role(services);
    const key = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
    const change = (...names: string[]) =>
      role.allows({
        action: "route53:ChangeResourceRecordSets",
        resource: "arn:aws:route53:::hostedzone/Z1",
        context: names.length === 0 ? {} : { [key]: names },
      });
    expect(change("iaso.example.org", "_0123.iaso.example.org")).to.equal(true);
    expect(change("iaso.example.org", "www.example.org")).to.equal(false);
    expect(change("example.org")).to.equal(false);
    expect(change()).to.equal(false);
  });

  const statements = statementsOf(policyDocument(upStatements(naming)));

  it("allows granting permissions under the boundary only, and never to itself", () => {
    const boundaries = ["boundary", "service-boundary"].map(
      (name) => `arn:aws:iam::123456789012:policy/iaso-test-${name}`,
    );
    const granting = ["iam:PutRolePolicy", "iam:AttachRolePolicy"];
    for (const { Action, Condition, Resource } of allowed(statements)) {
      if (![Action].flat().some((action) => granting.includes(action))) continue;
      expect(Condition).to.deep.equal({ StringEquals: { "iam:PermissionsBoundary": boundaries } });
      expect(Resource).to.equal("arn:aws:iam::123456789012:role/iaso-test-*");
    }
    const actions = actionsOf(allowed(statements));
    expect(actions).to.include.members(granting);
    expect(actions.filter((action) => action === "*" || action === "iam:*")).to.deep.equal([]);
    // An administrator's: each of these could give somebody a lasting way in.
    expect(
      actions.filter((action) =>
        /^iam:(Create(?!ServiceLinked)|Add|Update|PutRoleP.*Boundary|Delete(?!RolePolicy))/.test(action),
      ),
    ).to.deep.equal([]);
    expect(statements.NeverTouchOwnPower).to.deep.include({
      Effect: "Deny",
      Resource: [
        "arn:aws:iam::123456789012:role/iaso-test-ci-*",
        "arn:aws:iam::123456789012:policy/iaso-test-*",
      ],
    });
    expect(statements.NeverTouchOwnPower?.Action).to.have.members([
      "iam:Attach*",
      "iam:Create*",
      "iam:Delete*",
      "iam:Detach*",
      "iam:PassRole",
      "iam:Put*",
      "iam:Tag*",
      "iam:Untag*",
      "iam:Update*",
    ]);
    expect(statements.PassRolesToTheirServices?.Resource).to.equal(
      "arn:aws:iam::123456789012:role/iaso-test-*",
    );
  });

  it("allows creating service-linked roles", () => {
    expect(statements.LetServicesMakeTheirRoles).to.deep.include({
      Action: "iam:CreateServiceLinkedRole",
      Resource: "arn:aws:iam::123456789012:role/aws-service-role/*",
    });
    expect(
      statements.LetServicesMakeTheirRoles?.Condition?.StringLike?.["iam:AWSServiceName"],
    ).not.to.include("*");
  });
});
