import { expect } from "chai";
import { parse } from "yaml";
import { enketoCompose } from "../../components/enketoCompose";

describe("components/enketoCompose", () => {
  it("runs the image on the port that Beanstalk's load balancer calls, with the environment's variables", () => {
    expect(parse(enketoCompose("enketo/enketo-express:4.1.1").yaml)).to.deep.equal({
      services: {
        enketo: {
          image: "enketo/enketo-express:4.1.1",
          env_file: [".env"],
          ports: ["80:8005"],
          restart: "always",
        },
      },
    });
  });

  it("has one fingerprint per content", () => {
    const { fingerprint } = enketoCompose("enketo/enketo-express:4.1.1");
    expect(fingerprint).to.match(/^[0-9a-f]{12}$/);
    expect(enketoCompose("enketo/enketo-express:4.1.1").fingerprint).to.equal(fingerprint);
    expect(enketoCompose("enketo/enketo-express:4.1.2").fingerprint).not.to.equal(fingerprint);
  });
});
