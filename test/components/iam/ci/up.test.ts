import { expect } from "chai";
import { upStatements } from "../../../../components/iam/ci/up";
import { policyDocument } from "../../../../components/iam/policyDocument";
import { naming, PolicyStatement, statementsOf } from "../../../support";

const actionsOf = (statements: PolicyStatement[]) => statements.flatMap(({ Action }) => Action);

const allowed = (statements: Record<string, PolicyStatement>) =>
  Object.values(statements).filter(({ Effect }) => Effect === "Allow");

describe("components/iam/ci/up", () => {
  const statements = statementsOf(policyDocument(upStatements(naming)));

  it("allows granting permissions under the boundary only, and never to itself", () => {
    const boundary = "arn:aws:iam::123456789012:policy/iaso-test-boundary";
    const granting = ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"];
    for (const { Action, Condition, Resource } of allowed(statements)) {
      if (![Action].flat().some((action) => granting.includes(action))) continue;
      expect(Condition).to.deep.equal({ StringEquals: { "iam:PermissionsBoundary": boundary } });
      expect(Resource).to.equal("arn:aws:iam::123456789012:role/iaso-test-*");
    }
    const actions = actionsOf(allowed(statements));
    expect(actions).to.include.members(granting);
    expect(actions.filter((action) => action === "*" || action === "iam:*")).to.deep.equal([]);
    expect(actions).not.to.include("iam:DeleteRolePermissionsBoundary");
    expect(statements.NeverTouchOwnPower).to.deep.include({
      Effect: "Deny",
      Resource: ["arn:aws:iam::123456789012:role/iaso-test-ci-*", boundary],
    });
    expect(statements.NeverTouchOwnPower?.Action).to.have.members([
      "iam:Attach*",
      "iam:Create*",
      "iam:Delete*",
      "iam:Detach*",
      "iam:PassRole",
      "iam:Put*",
      "iam:Update*",
    ]);
    expect(statements.PassRolesToTheirServices?.Resource).to.equal(
      "arn:aws:iam::123456789012:role/iaso-test-*",
    );
  });

  it("allows creating the worker's table and service-linked roles", () => {
    expect(statements.ManageLeaderTables?.Resource).to.equal(
      "arn:aws:dynamodb:eu-central-1:123456789012:table/awseb-e-*",
    );
    expect(statements.ManageLeaderTables?.Action).to.include("dynamodb:CreateTable");
    expect(statements.LetServicesMakeTheirRoles).to.deep.include({
      Action: "iam:CreateServiceLinkedRole",
      Resource: "arn:aws:iam::123456789012:role/aws-service-role/*",
    });
    expect(
      statements.LetServicesMakeTheirRoles?.Condition?.StringLike?.["iam:AWSServiceName"],
    ).not.to.include("*");
  });
});
