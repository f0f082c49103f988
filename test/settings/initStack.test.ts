import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Secret, secretNames, SecretName, secretOf } from "../../settings/secrets";
import { leaksIn } from "../leaks";
import { writeExampleProject } from "../support";
import { AccountDouble } from "./accountDouble";

const TYPED = secretNames.filter((name) => secretOf(name).generate === undefined);
const GIVEN = { EMAIL_HOST_PASSWORD: "LeakMarkMail-1", SENTRY_URL: "https://leakmark@sentry.example.org/1" };
const PATH = "/iaso-secrets/demo/";

/**
 * Stands for the Pulumi CLI: keeps stacks and encrypted settings in a file, and all arguments it was called with. As the
 * CLI does, it demands a passphrase, which may be empty.
 */
const PULUMI = `#!${process.execPath}
const fs = require("node:fs");
const state = JSON.parse(fs.readFileSync(process.env.DOUBLE_STATE, "utf8"));
const args = process.argv.slice(2);
state.calls.push(args);
const [noun, verb, name] = args;
let status = process.env.PULUMI_CONFIG_PASSPHRASE === undefined ? 255 : 0;
if (status === 0) {
  if (noun === "stack" && verb === "select") status = state.stacks.includes(name) ? 0 : 255;
  else if (noun === "stack" && verb === "init") state.stacks.push(name);
  else if (noun === "config" && verb === "get") console.log(state.config[name]);
  else if (noun === "config" && verb === "rm") {
    const lines = fs.readFileSync("Pulumi.demo.yaml", "utf8").split("\\n");
    fs.writeFileSync("Pulumi.demo.yaml", lines.filter((line) => !line.includes(name + ":")).join("\\n"));
  } else status = 64;
}
fs.writeFileSync(process.env.DOUBLE_STATE, JSON.stringify(state));
process.exit(status);
`;

/** Stands for the AWS CLI, of which only ElastiCache is used: two Redis, and what each was told. */
const AWS = `#!${process.execPath}
const fs = require("node:fs");
const state = JSON.parse(fs.readFileSync(process.env.DOUBLE_STATE, "utf8"));
const args = process.argv.slice(2);
state.calls.push(args);
// The two Redis are in the stack's region only.
if (process.env.AWS_DEFAULT_REGION !== "eu-central-1") process.exit(254);
if (args[1] === "describe-replication-groups") console.log(JSON.stringify({ ReplicationGroups: state.redis }));
else {
  const file = args[3].replace("file://", "");
  // The real CLI reads the file twice, and stops if it gets nothing. Other users must not read a token.
  const told = [1, 2].map(() => JSON.parse(fs.readFileSync(file, "utf8")))[1];
  if ((fs.statSync(file).mode & 0o077) !== 0) process.exit(253);
  state.files = [...(state.files ?? []), file];
  const group = state.redis.find((one) => one.ReplicationGroupId === told.ReplicationGroupId);
  if (told.AuthTokenUpdateStrategy === "ROTATE" && !group.AuthTokenEnabled) process.exit(254);
  Object.assign(group, { AuthTokenEnabled: true, told });
}
fs.writeFileSync(process.env.DOUBLE_STATE, JSON.stringify(state));
`;

interface State {
  stacks: string[];
  /** Decrypted values by full key. */
  config: Record<string, string>;
  calls: string[][];
  /** The files that the CLI read. */
  files?: string[];
  redis: { ReplicationGroupId: string; told?: { AuthToken: string; AuthTokenUpdateStrategy: string } }[];
}

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

describe("settings/initStack", () => {
  let directory: string;
  let project: string;
  let account: AccountDouble;
  let aws: Record<string, string>;
  const stateFile = () => join(directory, "state.json");
  const state = () => JSON.parse(readFileSync(stateFile(), "utf8")) as State;
  const settings = () => readFileSync(join(project, "Pulumi.demo.yaml"), "utf8");
  const stored = () =>
    Object.fromEntries([...account.parameters].map(([name, { value }]) => [name.slice(PATH.length), value]));

  beforeEach(async () => {
    account = new AccountDouble();
    aws = await account.start();
    directory = mkdtempSync(join(tmpdir(), "init-stack-"));
    project = join(directory, "project");
    writeExampleProject(project);
    write("");
    for (const [name, script] of Object.entries({ pulumi: PULUMI, aws: AWS })) {
      writeFileSync(join(directory, name), script);
      chmodSync(join(directory, name), 0o755);
    }
    writeState({});
  });
  afterEach(() => {
    account.stop();
    rmSync(directory, { recursive: true });
  });

  /** Writes the stack's file with further lines of settings. */
  function write(lines: string): void {
    writeFileSync(join(project, "Pulumi.demo.yaml"), `config:\n  iaso:accountId: "123456789012"\n${lines}`);
  }
  function writeState(own: Partial<State>): void {
    const first: State = { stacks: [], config: {}, calls: [], redis: [] };
    writeFileSync(stateFile(), JSON.stringify({ ...first, ...own }));
  }

  function run(args: string[] = [], env: Record<string, string> = GIVEN, path = directory): Promise<Outcome> {
    const own = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => name !== "PULUMI_CONFIG_PASSPHRASE"),
    );
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        ["--require", "./cli/loader.cjs", "settings/initStack.ts", ...(args.length > 0 ? args : ["demo"])],
        { cwd: project, env: { ...own, ...aws, ...env, PATH: `${path}:/bin`, DOUBLE_STATE: stateFile() } },
        (error, stdout, stderr) => {
          resolve({ status: Number(error?.code ?? 0), stdout, stderr });
        },
      );
      child.stdin?.end();
    });
  }

  /** Everything that somebody could read but the secrets themselves. */
  const written = ({ stdout, stderr }: Outcome) =>
    stdout + stderr + JSON.stringify(state().calls) + settings();

  it("generates each secret in its required form, no two alike", () => {
    for (const name of secretNames) {
      const { generate, pattern }: Secret = secretOf(name);
      if (generate === undefined) continue;
      const values = Array.from({ length: 20 }, generate);
      for (const value of values) expect(value, name).to.match(pattern);
      expect(new Set(values).size, name).to.equal(20);
    }
    expect(TYPED).to.have.members(Object.keys(GIVEN));
  });

  it("creates each secret in Parameter Store, encrypted and tagged, and shows none", async () => {
    const outcome = await run();
    expect(outcome.status, outcome.stderr).to.equal(0);
    expect(Object.keys(stored())).to.have.members(secretNames);
    expect(stored()).to.include(GIVEN);
    for (const [name, { type, value, tags }] of account.parameters) {
      expect(type, name).to.equal("SecureString");
      expect(value, name).to.match(secretOf(name.slice(PATH.length) as SecretName).pattern);
      expect(tags).to.deep.equal({ project: "iaso", env: "demo", "managed-by": "init-stack" });
    }
    expect(leaksIn(written(outcome), stored())).to.deep.equal([]);
    expect(state().stacks).to.deep.equal(["demo"]);
    expect(outcome.stdout)
      .to.include("Created the stack demo.")
      .and.include("Generated RDS_PASSWORD.")
      .and.include("Set SENTRY_URL.");
  });

  it("keeps secrets that exist, and creates those that are missing", async () => {
    await run();
    const { SECRET_KEY, ...kept } = stored();
    account.parameters.delete(`${PATH}SECRET_KEY`);
    const { status, stdout } = await run([], {});
    expect(status).to.equal(0);
    expect(stored()).to.include(kept);
    expect(stored().SECRET_KEY).not.to.equal(SECRET_KEY);
    expect(stdout)
      .to.include("Generated SECRET_KEY.")
      .and.include(`${secretNames.length - 1} secrets exist`);
    // No existing value was read.
    expect(account.calls).not.to.include("GetParameter");
  });

  it("refuses credentials of another account, and writes nothing", async () => {
    account.accountId = "999999999999";
    const { status, stdout, stderr } = await run();
    expect([status, stdout]).to.deep.equal([1, ""]);
    expect(stderr).to.include(
      "for the account 999999999999, but Pulumi.demo.yaml has accountId 123456789012",
    );
    expect(account.parameters.size).to.equal(0);
    expect(state().calls).to.deep.equal([]);
  });

  it("names all secrets that must be typed before it writes one, and takes them from the environment", async () => {
    const { status, stderr } = await run([], {});
    expect(status).to.equal(1);
    for (const name of TYPED) expect(stderr).to.include(`read -rs ${name}; export ${name}`);
    expect(stderr).not.to.match(/\n\s+at /);
    expect(account.parameters.size).to.equal(0);
    const wrong = await run([], { ...GIVEN, SENTRY_URL: "LeakMarkWrong" });
    expect(wrong.stderr).to.include("The variable SENTRY_URL has a wrong form.").and.include("a Sentry DSN");
    expect(wrong.stderr).not.to.include("LeakMarkWrong");
    // Docker Compose would change it on its way into the container.
    write("  iaso:platform: docker\n");
    const changed = await run([], { ...GIVEN, EMAIL_HOST_PASSWORD: "a$b" });
    expect(changed.stderr)
      .to.include("The variable EMAIL_HOST_PASSWORD has a wrong form.")
      .and.include("without $");
    expect(account.parameters.size).to.equal(0);
  });

  describe("with secrets in the stack's file, from an earlier version of this project", () => {
    const FORMER = {
      databasePassword: "LeakMarkDatabase0123456789",
      secretKey: "LeakMarkSecretKey".repeat(3),
      secretKeyFallbacks: "",
      sentryDsn: GIVEN.SENTRY_URL,
      emailPassword: "LeakMark mail",
    };
    beforeEach(() => {
      write(
        Object.keys(FORMER)
          .map((key) => `  iaso:${key}:  { secure: "v1:x:y" } # iaso:${key}:\n`)
          .join("") + "  iaso:webHost: iaso.example.org\n",
      );
      const config = Object.entries(FORMER).map(([key, value]) => [`iaso:${key}`, value]);
      writeState({ stacks: ["demo"], config: Object.fromEntries(config) as Record<string, string> });
    });

    it("moves each value as it is, and removes the setting", async () => {
      const outcome = await run([], {});
      expect(outcome.status, outcome.stderr).to.equal(0);
      expect(stored()).to.include({
        RDS_PASSWORD: FORMER.databasePassword,
        SECRET_KEY: FORMER.secretKey,
        SENTRY_URL: FORMER.sentryDsn,
        EMAIL_HOST_PASSWORD: FORMER.emailPassword,
      });
      expect(stored().SECRET_KEY_FALLBACKS).to.match(secretOf("SECRET_KEY_FALLBACKS").pattern);
      expect(settings())
        .to.include("webHost")
        .and.not.match(/secure|Password|secretKey/);
      expect(leaksIn(written(outcome), stored())).to.deep.equal([]);
    });

    it("continues after a stop between the two, and never overwrites another value", async () => {
      account.parameters.set(`${PATH}RDS_PASSWORD`, parameter(FORMER.databasePassword));
      account.parameters.set(`${PATH}SECRET_KEY`, parameter("another"));
      const refused = await run([], {});
      expect(refused.status).to.equal(1);
      expect(refused.stderr)
        .to.include(
          "The secret SECRET_KEY exists in Parameter Store with another value than in Pulumi.demo.yaml.",
        )
        .and.include("pulumi config rm iaso:secretKey --stack demo");
      expect(stored().SECRET_KEY).to.equal("another");
      expect(settings()).to.include("iaso:secretKey:").and.not.include("iaso:databasePassword:");
    });
  });

  describe("after the first update", () => {
    it("sets the password of the database that RDS still manages, and not again", async () => {
      account.databases.set("iaso-demo", undefined);
      const first = await run();
      expect(first.stdout, first.stderr).to.include("Set the password of the database iaso-demo.");
      expect(account.databases.get("iaso-demo")).to.equal(stored().RDS_PASSWORD);
      const second = await run();
      expect(second.stdout).not.to.include("Set the password");
      expect(leaksIn(written(first) + written(second), stored())).to.deep.equal([]);
    });

    it("sets the token of each Redis with TLS, by a file that only the user can read", async () => {
      const redis = ["main", "cache"].map((kind) => ({
        ReplicationGroupId: `iaso-demo-enketo-${kind}`,
        TransitEncryptionEnabled: true,
        AuthTokenEnabled: false,
      }));
      write('  iaso:enketoRedisTls: "true"\n');
      writeState({ redis });
      const first = await run();
      expect(first.status, first.stderr).to.equal(0);
      const { ENKETO_REDIS_AUTH_TOKEN } = stored();
      for (const { told } of state().redis)
        expect(told).to.include({ AuthToken: ENKETO_REDIS_AUTH_TOKEN, AuthTokenUpdateStrategy: "SET" });
      const second = await run(["demo", "--rotate", "ENKETO_REDIS_AUTH_TOKEN"]);
      expect(second.status, second.stderr).to.equal(0);
      expect(stored().ENKETO_REDIS_AUTH_TOKEN).not.to.equal(ENKETO_REDIS_AUTH_TOKEN);
      for (const { told } of state().redis)
        expect(told).to.include({
          AuthToken: stored().ENKETO_REDIS_AUTH_TOKEN,
          AuthTokenUpdateStrategy: "ROTATE",
        });
      const { files = [] } = state();
      expect(files.length).to.equal(4);
      expect(files.filter((file) => existsSync(file))).to.deep.equal([]);
      const calls = JSON.stringify(state().calls);
      expect(
        leaksIn(first.stdout + second.stdout + calls, { ...stored(), old: ENKETO_REDIS_AUTH_TOKEN ?? "" }),
      ).to.deep.equal([]);
    });
  });

  describe("--rotate", () => {
    beforeEach(async () => {
      account.databases.set("iaso-demo", undefined);
      await run();
    });

    it("replaces one secret and no other", async () => {
      const before = stored();
      const outcome = await run(["demo", "--rotate", "EMAIL_HOST_PASSWORD"], {
        EMAIL_HOST_PASSWORD: "LeakMarkRotated",
      });
      expect(outcome.status, outcome.stderr).to.equal(0);
      expect(stored()).to.deep.equal({ ...before, EMAIL_HOST_PASSWORD: "LeakMarkRotated" });
      expect(outcome.stdout).to.include("Replaced EMAIL_HOST_PASSWORD.").and.not.include("LeakMark");
    });

    it("keeps the earlier SECRET_KEY as the one that Iaso still accepts", async () => {
      const { SECRET_KEY } = stored();
      await run(["demo", "--rotate", "SECRET_KEY"]);
      expect(stored().SECRET_KEY_FALLBACKS).to.equal(SECRET_KEY);
      expect(stored().SECRET_KEY).not.to.equal(SECRET_KEY);
      await run(["demo", "--rotate", "SECRET_KEY_FALLBACKS"]);
      expect(Object.values(stored())).not.to.include(SECRET_KEY);
    });

    it("changes the password of the database too", async () => {
      const { RDS_PASSWORD } = stored();
      const { status, stderr } = await run(["demo", "--rotate", "RDS_PASSWORD"]);
      expect(status, stderr).to.equal(0);
      expect(stored().RDS_PASSWORD).not.to.equal(RDS_PASSWORD);
      expect(account.databases.get("iaso-demo")).to.equal(stored().RDS_PASSWORD);
    });

    it("sets the token that only the deploy tool reads", async () => {
      const { status, stderr } = await run(["demo", "--rotate", "DEPLOY_API_TOKEN"], {
        DEPLOY_API_TOKEN: "token",
      });
      expect(status, stderr).to.equal(0);
      expect(stored().DEPLOY_API_TOKEN).to.equal("token");
    });

    it("refuses keys whose data would be lost, and names that are no secret", async () => {
      const before = stored();
      for (const [name, message] of [
        [
          "ENCRYPTED_TEXT_FIELD_KEY",
          "ENCRYPTED_TEXT_FIELD_KEY cannot be replaced: the columns that it encrypted",
        ],
        ["ENKETO_ENCRYPTION_KEY", "ENKETO_ENCRYPTION_KEY cannot be replaced: Enketo's data"],
        ["SECRET_KEI", "There is no secret SECRET_KEI. Did you mean SECRET_KEY?"],
      ] as const) {
        const { status, stderr } = await run(["demo", "--rotate", name]);
        expect(status).to.equal(1);
        expect(stderr).to.include(message);
      }
      expect(stored()).to.deep.equal(before);
    });
  });

  it("pins the recommended platform version if none is set or AWS no longer offers it", async () => {
    const first = await run();
    expect(first.status, first.stderr).to.equal(0);
    const pinned =
      'config:\n  iaso:accountId: "123456789012"\n' +
      "  iaso:pythonSolutionStack: 64bit Amazon Linux 2023 v4.13.9 running Python 3.13\n" +
      "  iaso:dockerSolutionStack: 64bit Amazon Linux 2023 v4.13.9 running Docker\n";
    expect(settings()).to.equal(pinned);
    // v4.13.8 is not the newest, but this account can use it.
    const older = pinned.replace("v4.13.9 running Python", "v4.13.8 running Python");
    writeFileSync(
      join(project, "Pulumi.demo.yaml"),
      older.replace("v4.13.9 running Docker", "v4.13.1 running Docker"),
    );
    const second = await run();
    expect(second.stdout).to.include(
      "Pinned dockerSolutionStack in Pulumi.demo.yaml: 64bit Amazon Linux 2023 v4.13.9 running Docker",
    );
    expect(settings()).to.equal(older);
  });

  it("names the fix if AWS cannot be reached or denies access", async () => {
    const unreachable = await run([], { ...GIVEN, AWS_ENDPOINT_URL: "http://127.0.0.1:9" });
    expect([unreachable.status, unreachable.stdout]).to.deep.equal([1, ""]);
    expect(unreachable.stderr).to.match(/^AWS cannot be reached: /);
    account.isDenied = true;
    const denied = await run();
    expect(denied.status).to.equal(1);
    expect(denied.stderr)
      .to.match(/^AWS denied access: /)
      .and.include("an administrator's credentials");
    for (const { stderr } of [unreachable, denied]) expect(stderr).not.to.match(/\n\s+at /);
  });

  it("refuses a name without a settings file, suggests the nearest, and neither creates nor selects a stack", async () => {
    const { status, stdout, stderr } = await run(["stagign"]);
    expect([status, stdout]).to.deep.equal([1, ""]);
    expect(stderr).to.equal(
      "There are no settings for the stack stagign: Pulumi.stagign.yaml is missing. Did you mean staging?\n" +
        "To fix it: Use one of the stacks with settings: staging, prod, demo. To add one: npm run add-environment -- stagign --from STACK\n",
    );
    expect(state().calls).to.deep.equal([]);
    expect(existsSync(join(project, "Pulumi.stagign.yaml"))).to.equal(false);
  });

  it("prints the next steps if Pulumi is not ready", async () => {
    // As Pulumi 3.259 says it.
    const sayings = {
      "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions": "pulumi login s3://",
      "incorrect passphrase": "Set the passphrase of this stack",
    };
    for (const [said, remedy] of Object.entries(sayings)) {
      writeFileSync(join(directory, "pulumi"), `#!/bin/sh\necho "error: ${said}" >&2\nexit 255\n`);
      const { status, stderr } = await run([], GIVEN);
      expect(status).to.equal(1);
      expect(stderr)
        .to.include(said)
        .and.to.include(remedy)
        .and.not.to.match(/\n\s+at /);
    }
  });

  it("names the source of the Pulumi CLI if it is missing, without a stack trace", async () => {
    const { status, stderr } = await run([], GIVEN, join(directory, "nothing"));
    expect(status).to.equal(1);
    expect(stderr.trim()).to.equal(
      "The Pulumi CLI is not installed.\nTo fix it: install it from https://www.pulumi.com/docs/iac/download-install/",
    );
  });
});

const parameter = (value: string) => ({ type: "SecureString", value, tags: {}, version: 1 });
