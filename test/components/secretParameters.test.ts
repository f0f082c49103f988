import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { SecretParameters } from "../../components/secretParameters";
import { simulate } from "../../preview/simulate";
import { find, naming, resourcesOf } from "../support";

const PARAMETER = "aws:ssm/parameter:Parameter";
const PREFIX = "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso/test/secrets";

describe("components/secretParameters", () => {
  it("keeps each secret in a SecureString whose ARN is known before it exists", async () => {
    let secrets: SecretParameters | undefined;
    const kept: Record<string, string | undefined> = {};
    const document = await simulate(() => {
      secrets = new SecretParameters("secrets", {
        naming,
        values: { SECRET_KEY: pulumi.secret("do-not-tell-1"), RDS_PASSWORD: pulumi.secret("do-not-tell-2") },
      });
      for (const { name, value } of secrets.parameters)
        pulumi.all([name, value]).apply(([parameter, text]) => (kept[parameter] = text));
    });
    expect(secrets?.variables).to.deep.equal(["RDS_PASSWORD", "SECRET_KEY"]);
    expect(secrets?.arns).to.deep.equal({
      RDS_PASSWORD: `${PREFIX}/RDS_PASSWORD`,
      SECRET_KEY: `${PREFIX}/SECRET_KEY`,
    });
    expect(secrets?.parameters).to.have.lengthOf(2);
    for (const variable of ["RDS_PASSWORD", "SECRET_KEY"]) {
      const parameter = find(document, PARAMETER, `secrets-${variable}`);
      expect(parameter.inputs).to.deep.include({
        name: `/iaso/test/secrets/${variable}`,
        type: "SecureString",
        value: "[secret]",
        tags: naming.tags(),
      });
      expect(parameter.secretInputs).to.deep.equal(["value"]);
      expect(parameter.outputs.arn).to.equal(`${PREFIX}/${variable}`);
    }
    expect(resourcesOf(document, PARAMETER)).to.have.lengthOf(2);
    expect(kept).to.deep.equal({
      "/iaso/test/secrets/SECRET_KEY": "do-not-tell-1",
      "/iaso/test/secrets/RDS_PASSWORD": "do-not-tell-2",
    });
    expect(JSON.stringify(document)).not.to.include("do-not-tell");
  });
});
