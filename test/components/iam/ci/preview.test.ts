import { expect } from "chai";
import { previewStatements } from "../../../../components/iam/ci/preview";
import { policyDocument } from "../../../../components/iam/policyDocument";
import { naming, PolicyStatement, statementsOf } from "../../../support";

const actionsOf = (statements: PolicyStatement[]) => statements.flatMap(({ Action }) => Action);

const allowed = (statements: Record<string, PolicyStatement>) =>
  Object.values(statements).filter(({ Effect }) => Effect === "Allow");

describe("components/iam/ci/preview", () => {
  it("allows reading the configuration of resources and nothing that they contain", () => {
    const statements = statementsOf(policyDocument(previewStatements(naming)));
    const actions = actionsOf(allowed(statements));
    for (const action of actions) expect(action).to.match(/^[a-z0-9]+:(Check|Describe|Get|List)/);
    const contents = /^(s3:(GetObject|Get\*|\*)|secretsmanager:|sqs:Receive|kms:)/;
    expect(actions.filter((action) => contents.test(action))).to.deep.equal([]);
    for (const { Action, Resource } of allowed(statements)) {
      if ([Action].flat().some((action) => action.startsWith("ssm:GetParameter"))) {
        expect(Resource).to.equal("arn:aws:ssm:eu-central-1:123456789012:parameter/iaso/test/deployment");
      }
    }
    expect(statements.NeverReadContents).to.deep.include({
      Effect: "Deny",
      Action: ["logs:FilterLogEvents", "logs:GetLog*", "logs:GetQueryResults"],
    });
  });
});
