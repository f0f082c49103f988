import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { leaksIn } from "../leaks";
import { writeExampleProject } from "../support";
import { ExistingAccount } from "./double/account";
import { MoveLab } from "./double/lab";

const VALUES = {
  SECRET_KEY: "LeakMark-django-insecure-#7(x&=secret-key-0123456789",
  ENCRYPTED_TEXT_FIELD_KEY: "LeakMark00000000000000000000000000000000000=",
  ENKETO_API_TOKEN: "LeakMarkToken0123456789012345678901234",
  ENKETO_SIGNING_SECRET: "LeakMarkSigning01234567890123456789",
  RDS_PASSWORD: "LeakMarkDatabase0123",
  EMAIL_HOST_PASSWORD: "LeakMarkMail1",
  SENTRY_URL: "https://leakmark0123@sentry.example.org/1",
};
const ENKETO_KEY = "LeakMarkEnketoShort";
const PATH = "/iaso-secrets/prod/";

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

describe("move secrets", function () {
  this.timeout(600_000);
  const lab = new MoveLab();
  let project: string;

  before(() => lab.start());
  after(() => {
    lab.stop();
  });
  beforeEach(() => {
    lab.account = new ExistingAccount();
    const { enketo, parameters } = lab.account;
    for (const [name, value] of Object.entries(VALUES)) parameters.set(`/old-iaso/${name}`, value);
    enketo.secretVariables = {};
    enketo.variables["ENKETO_ENCRYPTION_KEY"] = ENKETO_KEY;
    project = mkdtempSync(join(tmpdir(), "secrets-"));
    writeExampleProject(project, { prod: { "iaso:accountId": "123456789012" } });
  });
  afterEach(() => {
    rmSync(project, { recursive: true });
  });

  function run(...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        ["--require", "./cli/loader.cjs", "move/cli.ts", "secrets", "prod", "--application", "Iaso", ...args],
        { cwd: project, env: process.env },
        (error, stdout, stderr) => {
          resolve({ status: Number(error?.code ?? 0), stdout, stderr });
        },
      );
    });
  }

  const stored = () =>
    Object.fromEntries(
      [...lab.account.parameters].flatMap(([name, value]) =>
        name.startsWith(PATH) ? [[name.slice(PATH.length), value]] : [],
      ),
    );
  const expectNoLeak = ({ stderr, stdout }: Outcome) => {
    expect(leaksIn(stdout + stderr, { ...VALUES, ENKETO_KEY })).to.deep.equal([]);
  };

  it("carries plain and referenced secrets as they are, and shows none", async () => {
    const { web } = lab.account;
    web.variables["SECRET_KEY"] = VALUES.SECRET_KEY;
    Reflect.deleteProperty(web.secretVariables, "SECRET_KEY");
    const outcome = await run();
    expect(outcome.status, outcome.stderr).to.equal(0);
    expect(stored()).to.deep.equal({ ...VALUES, ENKETO_ENCRYPTION_KEY: ENKETO_KEY });
    expect(outcome.stdout)
      .to.match(/SECRET_KEY carried from .*SECRET_KEY\./)
      .and.include("SECRET_KEY_FALLBACKS not carried: there is no variable SECRET_KEY_FALLBACKS.")
      .and.include("npm run init-stack -- prod");
    expectNoLeak(outcome);
    const again = await run();
    expect(again.stdout).to.include("SECRET_KEY is there already.").and.not.include(" carried from");
  });

  it("replaces no other value, writes nothing then, and replaces it with --overwrite", async () => {
    lab.account.parameters.set(`${PATH}SECRET_KEY`, "generated");
    const refused = await run();
    expect(refused.status).to.equal(1);
    expect(refused.stderr)
      .to.include("SECRET_KEY: Parameter Store has another value; without it, everyone is logged out")
      .and.include("--overwrite SECRET_KEY");
    expect(stored()).to.deep.equal({ SECRET_KEY: "generated" });
    const done = await run("--overwrite", "SECRET_KEY");
    expect(done.status, done.stderr).to.equal(0);
    expect(stored()["SECRET_KEY"]).to.equal(VALUES.SECRET_KEY);
    expectNoLeak(refused);
    expectNoLeak(done);
  });

  it("refuses a key that data depend on if it is missing or the platform would change it", async () => {
    const { web } = lab.account;
    web.secretVariables = {};
    Object.assign(web.variables, VALUES, { SECRET_KEY: "LeakMark$with-a-dollar-sign-0123456789012345" });
    Reflect.deleteProperty(web.variables, "ENCRYPTED_TEXT_FIELD_KEY");
    rmSync(project, { recursive: true });
    writeExampleProject(project, { prod: { "iaso:accountId": "123456789012", "iaso:platform": "docker" } });
    const outcome = await run();
    expect(outcome.status).to.equal(1);
    expect(outcome.stderr)
      .to.include("SECRET_KEY: the new platform needs")
      .and.include("Choose the python platform")
      .and.include(
        "ENCRYPTED_TEXT_FIELD_KEY: there is no variable ENCRYPTED_TEXT_FIELD_KEY; without it, the encrypted",
      );
    expect(stored()).to.deep.equal({});
    expect(outcome.stderr).not.to.include("LeakMark");
  });

  it("leaves a token that is too short to init-stack", async () => {
    lab.account.parameters.set("/old-iaso/ENKETO_API_TOKEN", "LeakMarkShort");
    const outcome = await run();
    expect(outcome.status, outcome.stderr).to.equal(0);
    expect(stored()).not.to.have.property("ENKETO_API_TOKEN");
    expect(outcome.stdout).to.include("ENKETO_API_TOKEN not carried: its form is too weak");
    expect(outcome.stdout).not.to.include("LeakMark");
  });

  it("carries no secret of another environment, account or region that a variable refers to", async () => {
    lab.account.parameters.set("/iaso-secrets/staging/SECRET_KEY", VALUES.SECRET_KEY);
    for (const arn of [
      "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/staging/SECRET_KEY",
      "arn:aws:ssm:eu-west-3:123456789012:parameter/old-iaso/SECRET_KEY",
      "arn:aws:ssm:eu-central-1:999999999999:parameter/old-iaso/SECRET_KEY",
    ]) {
      lab.account.web.secretVariables["SECRET_KEY"] = arn;
      const outcome = await run();
      expect([outcome.status, outcome.stderr], arn).to.match(/^1,.*SECRET_KEY: it is not readable/s);
      expect(stored()).to.deep.equal({});
    }
  });

  it("reads a reference to Secrets Manager", async () => {
    const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:iaso-key-a1b2c3";
    lab.account.web.secretVariables["SECRET_KEY"] = arn;
    writeFileSync(join(lab.directory, "iaso-key-a1b2c3.secret"), `${VALUES.SECRET_KEY}\n`);
    const outcome = await run();
    expect(outcome.status, outcome.stderr).to.equal(0);
    expect(stored()["SECRET_KEY"]).to.equal(VALUES.SECRET_KEY);
    rmSync(join(lab.directory, "iaso-key-a1b2c3.secret"));
    lab.account.parameters.delete(`${PATH}SECRET_KEY`);
    const missing = await run();
    expect(missing.status).to.equal(1);
    expect(missing.stderr).to.include("SECRET_KEY: it is not readable");
  });

  it("keeps a value out of the message of an error", async () => {
    const long = "LeakMark".repeat(600);
    lab.account.parameters.set("/old-iaso/EMAIL_HOST_PASSWORD", long);
    const outcome = await run();
    expect(outcome.status).to.equal(1);
    expect(outcome.stderr).to.include("Value '[secret]' failed").and.not.include("LeakMark");
  });

  it("refuses credentials of another account, a stack without settings and an unknown secret", async () => {
    const cases: [string[], RegExp][] = [
      [["--overwrite", "SECRET_KEYS"], /no secret SECRET_KEYS to carry\. Did you mean SECRET_KEY\?/],
      [["--environment", "iaso-prd"], /Did you mean iaso-prod\?/],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = await run(...args);
      expect(status).to.equal(1);
      expect(stderr).to.match(message);
    }
    lab.account.id = "999999999999";
    const other = await run();
    expect(other.stderr).to.include("The AWS credentials are for the account 999999999999");
    expect(stored()).to.deep.equal({});
  });
});
