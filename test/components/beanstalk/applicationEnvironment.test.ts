import { expect } from "chai";
import {
  ApplicationEnvironmentArgs,
  applicationEnvironment,
} from "../../../components/beanstalk/applicationEnvironment";
import contract from "../../../policies/facts/env-contract.json";
import { PreviewDocument, PreviewResource } from "../../../graph/document";
import { find, namespaceOf, previewOf, textOf } from "../../support";

const args: ApplicationEnvironmentArgs = {
  env: "test",
  region: "eu-west-1",
  platform: "docker",
  webHost: "iaso.example.org",
  database: { host: "db.internal", port: 5432, databaseName: "iaso", username: "owner" },
  artifactsBucket: "artifacts",
  imageRepositoryUrl: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/iaso-test",
  mediaBucket: "media",
  staticBucket: "static",
  staticUrl: "https://static.example.org/static/",
  queueUrl: "https://sqs.example/queue",
  email: { host: "smtp.example.org", port: 2525, user: "user", from: "Iaso <a@example.org>" },
  enketoUrl: "https://enketo.example.org",
  plugins: [],
};

/** The variables that an interpreter of our own needs; the contract lists them apart from the application's. */
const PYTHON = contract.mustSetOnElasticBeanstalk.pythonVariantOnly;

/** The variables that are set for others than Iaso: the interpreter, and the hooks of the bundle. */
const NOT_FOR_IASO = [...PYTHON, "ARTIFACTS_BUCKET"];

const plainOf = (environment: PreviewResource) =>
  namespaceOf(environment, "aws:elasticbeanstalk:application:environment");
const secretOf = (environment: PreviewResource) =>
  namespaceOf(environment, "aws:elasticbeanstalk:application:environmentsecrets");

describe("components/beanstalk/applicationEnvironment", () => {
  it("takes each value from the part that has it", () => {
    const { web } = applicationEnvironment(args);
    expect(web).to.deep.equal({
      ARTIFACTS_BUCKET: "artifacts",
      AWS_PUBLIC_STORAGE_BUCKET_NAME: "static",
      AWS_S3_REGION_NAME: "eu-west-1",
      AWS_STORAGE_BUCKET_NAME: "media",
      BACKGROUND_TASK_SERVICE: "SQS",
      BEANSTALK_SQS_REGION: "eu-west-1",
      BEANSTALK_SQS_URL: "https://sqs.example/queue",
      CSRF_COOKIE_HTTPONLY: "false",
      CSRF_COOKIE_SECURE: "true",
      DEFAULT_FROM_EMAIL: "Iaso <a@example.org>",
      DNS_DOMAIN: "iaso.example.org",
      EMAIL_HOST: "smtp.example.org",
      EMAIL_HOST_USER: "user",
      EMAIL_PORT: "2525",
      EMAIL_TLS: "true",
      ENKETO_URL: "https://enketo.example.org",
      IMAGE_REPOSITORY: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/iaso-test",
      RDS_DB_NAME: "iaso",
      RDS_HOSTNAME: "db.internal",
      RDS_PORT: "5432",
      RDS_USERNAME: "owner",
      SENTRY_ENVIRONMENT: "test",
      SERVER_URL: "https://iaso.example.org",
      SESSION_COOKIE_SECURE: "true",
      STATIC_URL: "https://static.example.org/static/",
      USE_S3: "true",
      WORKER: "false",
    });
  });

  it("distinguishes worker and web by WORKER alone", () => {
    const { web, worker } = applicationEnvironment({ ...args, platform: "python", plugins: ["polio"] });
    expect(worker).to.deep.equal({ ...web, WORKER: "true" });
    expect(web.WORKER).to.equal("false");
  });

  it("sets PLUGINS only if there are plugins", () => {
    expect(applicationEnvironment(args).web).not.to.have.property("PLUGINS");
    expect(applicationEnvironment({ ...args, plugins: ["polio", "wfp"] }).worker.PLUGINS).to.equal(
      "polio,wfp",
    );
  });

  it("sets up the interpreter on the python platform only", () => {
    expect(applicationEnvironment({ ...args, platform: "python" }).web).to.include.all.keys(PYTHON);
    expect(applicationEnvironment(args).web).not.to.have.any.keys(PYTHON);
  });
});

for (const stack of ["staging", "prod"]) {
  describe(`components/beanstalk/applicationEnvironment, the contract on ${stack}`, () => {
    let document: PreviewDocument;
    before(async () => {
      document = await previewOf(stack);
    });
    const environments = () =>
      ["web", "worker"].map((role) => find(document, "aws:elasticbeanstalk/environment:Environment", role));
    const known = new Map(contract.variables.map((variable) => [variable.name, variable]));

    it("sets every variable that is necessary on AWS, to something", () => {
      for (const environment of environments()) {
        const values = { ...plainOf(environment), ...secretOf(environment) };
        for (const name of contract.necessaryOnAws) {
          expect(values, `${environment.name} ${name}`).to.have.property(name).that.is.a("string").and.is.not
            .empty;
        }
      }
    });

    it("sets no name that Iaso does not read", () => {
      for (const environment of environments()) {
        const names = Object.keys({ ...plainOf(environment), ...secretOf(environment) });
        expect(names.filter((name) => !known.has(name) && !NOT_FOR_IASO.includes(name))).to.deep.equal([]);
      }
    });

    it("sets nothing that must not be set", () => {
      for (const environment of environments()) {
        const names = Object.keys({ ...plainOf(environment), ...secretOf(environment) });
        expect(names.filter((name) => contract.mustNotBeSet.includes(name))).to.deep.equal([]);
      }
    });

    it("sets the variables that the contract calls secret as secrets, and none as both", () => {
      for (const environment of environments()) {
        const plain = Object.keys(plainOf(environment));
        expect(plain.filter((name) => known.get(name)?.secret === true)).to.deep.equal([]);
        expect(plain.filter((name) => name in secretOf(environment))).to.deep.equal([]);
      }
    });

    it("fits into the bytes that Beanstalk takes for plain variables", () => {
      for (const environment of environments()) {
        const text = Object.entries(plainOf(environment))
          .map(([name, value]) => `${name}=${textOf(value)}`)
          .join(",");
        expect(Buffer.byteLength(text)).to.be.lessThan(4096);
      }
    });
  });
}
