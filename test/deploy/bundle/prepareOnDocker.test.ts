import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { KNOWN_MIGRATIONS } from "../../../components/common/artifacts";
import { Role } from "../../authorization";
import { ARTIFACTS, AwsDouble } from "../double/aws";
import { type RunningDouble, serve } from "../double/server";
import { type PostgreSql, startWithDjango } from "../postgres";
import {
  installed,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../source/checkout";

const BUNDLE = join(__dirname, "../../../deploy/bundle");
const HOOK = join(BUNDLE, "docker/.platform/hooks/predeploy/04_prepare_database.sh");
const KNOWN = "staging/iaso-deploy/known-migrations.json";

/** A stand-in for docker: starts Python with the volumes and the variables that the container would have. */
const dockerOf = (python: string, root: string): string => `#!/usr/bin/env python3
import os, sys
arguments = sys.argv[1:]
assert arguments[:5] == ["compose", "run", "--rm", "--no-deps", "-T"], arguments
after = lambda option: [value for one, value in zip(arguments, arguments[1:]) if one == option]
mounts = dict(reversed(volume.split(":")[:2]) for volume in after("--volume"))
mounts["/opt/app"] = ${JSON.stringify(join(root, "image"))}
def path(text):
    return next((own + text[len(name):] for name, own in mounts.items() if text.startswith(name)), text)
variables = {name: path(value) for name, value in (one.split("=", 1) for one in after("--env"))}
[entrypoint] = after("--entrypoint")
assert (entrypoint, arguments[-2]) == ("python", "iaso"), arguments
python = ${JSON.stringify(python)}
os.execve(python, [python, path(arguments[-1])], {**os.environ, **variables})
`;

/** Shows what the container's user can read. */
const PREPARES = `
import os
known = os.path.join(os.path.dirname(__file__), "known-migrations.json")
found = os.path.exists(known)
print(f"told {open(known).read()}, mode {os.stat(known).st_mode & 0o777:o}" if found else "told nothing")
`;

describe("deploy/bundle/docker, 04_prepare_database.sh", () => {
  let double: AwsDouble;
  let running: RunningDouble;

  before(function () {
    if (!installed("aws", "--version")) skip(this, "the AWS CLI is not installed (pipx install awscli)");
  });
  after(removeTemporaryDirectories);
  beforeEach(async () => {
    double = new AwsDouble();
    running = await serve(double);
  });
  afterEach(() => running.stop());

  async function run(root: string, python: string, env: NodeJS.ProcessEnv = { ARTIFACTS_BUCKET: ARTIFACTS }) {
    writeFiles(root, { "bin/docker": { executable: dockerOf(python, root) } });
    // Beanstalk documents no umask.
    const script = 'umask 077; sed "s#/var/app#$1#g" "$2" | bash';
    const child = spawn("bash", ["-c", script, "hook", root, HOOK], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...running.environment,
        AWS_S3_REGION_NAME: "eu-central-1",
        ...env,
        PATH: `${root}/bin:${process.env["PATH"] ?? ""}`,
      },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text: Buffer) => (output += String(text)));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, output };
  }

  it("fetches the known migrations for the container's user, and keeps none of an earlier deployment", async () => {
    const root = temporaryDirectory();
    writeFiles(root, { "staging/iaso-deploy/prepare_database.py": PREPARES });
    double.s3.write(ARTIFACTS, KNOWN_MIGRATIONS, "{}");
    expect(await run(root, "/usr/bin/python3")).to.deep.equal({ code: 0, output: "told {}, mode 644\n" });
    // S3 says 403 also of an object that is missing, to a role that may not list the bucket.
    double.s3.remove(ARTIFACTS, KNOWN_MIGRATIONS);
    double.role = new Role([]);
    const { code, output } = await run(root, "/usr/bin/python3");
    expect(code, output).to.equal(0);
    expect(output).to.match(/\(403\).*\ntold nothing\n$/);
    expect(existsSync(join(root, KNOWN))).to.equal(false);
  });

  it("stops the deployment if the stack has no variable ARTIFACTS_BUCKET yet", async () => {
    const root = temporaryDirectory();
    writeFiles(root, { "staging/iaso-deploy/prepare_database.py": PREPARES });
    const { code, output } = await run(root, "/usr/bin/python3", {});
    expect(code).not.to.equal(0);
    expect(output).to.contain("ARTIFACTS_BUCKET: unbound variable").and.not.contain("told");
  });

  describe("on a real PostgreSQL @proof", () => {
    let server: PostgreSql;
    let python: string;

    before(async function () {
      ({ python, server } = await startWithDjango(this));
    });
    after(async () => (server as PostgreSql | undefined)?.stop());

    const MODEL = "migrations.CreateModel('Thing', [('id', models.AutoField(primary_key=True))])";
    const migration = (operation: string, after = ""): string =>
      `from django.db import migrations, models\nclass Migration(migrations.Migration):\n` +
      `    dependencies = [${after}]\n    operations = [${operation}]\n`;
    const FIRST = {
      "hat/__init__.py": "",
      "hat/settings.py":
        `import os\nSECRET_KEY = "x"\nINSTALLED_APPS = ["things"]\nDATABASES = {"default": {"HOST": "127.0.0.1",` +
        `"ENGINE": "django.db.backends.postgresql", "PORT": os.environ["RDS_PORT"], "NAME": "postgres", "USER": "postgres"}}\n`,
      "things/__init__.py": "",
      "things/models.py":
        "from django.db import models\nclass Thing(models.Model):\n    id = models.AutoField(primary_key=True)\n",
      "things/migrations/__init__.py": "",
      "things/migrations/0001.py": migration(MODEL),
    };
    const SECOND = {
      ...FIRST,
      "things/models.py": "",
      "things/migrations/0002.py": migration("migrations.DeleteModel('Thing')", "('things', '0001')"),
    };

    const prepare = (files: Record<string, string>, version: string, mustFit: string | null) => {
      const root = temporaryDirectory();
      cpSync(join(BUNDLE, "shared/iaso-deploy"), join(root, "staging/iaso-deploy"), { recursive: true });
      writeFiles(join(root, "image"), files);
      writeFiles(root, { "staging/iaso-deploy/version.json": JSON.stringify({ version }) });
      double.s3.write(
        ARTIFACTS,
        KNOWN_MIGRATIONS,
        JSON.stringify({ versions: { [version]: null }, mustFit }),
      );
      return run(root, python, { ARTIFACTS_BUCKET: ARTIFACTS, RDS_PORT: server.port });
    };

    it("refuses older code that fails on the tables, and starts it unchecked", async () => {
      const digest = "0123456789abcdef";
      for (const [files, version] of [
        [FIRST, "1.0"],
        [SECOND, "2.0"],
      ] as const) {
        const { code, output } = await prepare(files, version, `${version}-${digest}`);
        expect(code, output).to.equal(0);
      }
      const refused = await prepare(FIRST, "1.0", `1.0-${digest}`);
      expect(refused.code).not.to.equal(0);
      expect(refused.output)
        .to.contain("this code may fail on the database: things_thing: ")
        .and.contain("this code does not start")
        .and.not.contain("the database is ready");
      const unchecked = await prepare(FIRST, "1.0", null);
      expect(unchecked.code, unchecked.output).to.equal(0);
      expect(unchecked.output).to.contain("this code may fail on the database: things_thing: ");
    });
  });
});
