import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { writeExampleProject } from "../support";

describe("Stack files in `npm run preview`", function () {
  // Whole previews, in processes of their own.
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "stack-files-"));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  /** Runs the command on the tests' stacks with other settings. */
  function preview(settings: Record<string, Record<string, unknown>>, ...stacks: string[]) {
    writeExampleProject(directory, settings);
    const command = ["run", "--silent", "preview", "--", ...stacks, "--json"];
    return spawnSync("npm", command, { cwd: directory, encoding: "utf8", maxBuffer: 1e8 });
  }

  it("are refused if two contradict each other, also in the preview of one", () => {
    const settings = {
      prod: { "iaso:webHost": "iaso-staging.example.org", "iaso:createOidcProvider": true },
    };
    const { status, stdout, stderr } = preview(settings);
    expect([status, stdout]).to.deep.equal([1, ""]);
    expect(stderr).to.equal(
      "The stacks prod and staging cannot both be deployed. Change the one that is not deployed yet; for staging (Pulumi.staging.yaml):\n" +
        "  iaso:webHost is iaso-staging.example.org, the same as webHost of prod.\n" +
        "    accepted: a name of its own\n" +
        "    fix:      pulumi config set iaso:webHost VALUE --stack staging\n" +
        "  iaso:createOidcProvider is true, as it is for prod in the same AWS account, which accepts one identity provider.\n" +
        "    accepted: true for one stack of an account, false for the others\n" +
        "    fix:      pulumi config set iaso:createOidcProvider false --stack staging\n",
    );
    const one = spawnSync("npm", ["run", "--silent", "preview", "--", "prod"], {
      cwd: directory,
      encoding: "utf8",
    });
    expect([one.status, one.stdout], one.stderr).to.deep.equal([1, ""]);
    expect(one.stderr)
      .to.match(/^The stacks staging and prod cannot both be deployed\..* for prod \(Pulumi\.prod\.yaml\):/)
      .and.include("fix:      pulumi config set iaso:webHost VALUE --stack prod");
  });

  it("are refused if the engine would refuse a value: a list as text, a list for one value", () => {
    const { status, stderr } = preview(
      {
        staging: { "iaso:plugins": '["polio"]', "iaso:webHost": ["a.example.org"] },
      },
      "staging",
    );
    expect(status).to.equal(1);
    expect(stderr)
      .to.include("The engine refuses values in Pulumi.staging.yaml:")
      .and.include("iaso:plugins is not a list.\n")
      .and.include("fix:      pulumi config set --path 'iaso:plugins[0]' VALUE --stack staging")
      .and.include("iaso:webHost is a list or an object.\n");
  });

  it("are accepted as Pulumi rewrites them: numbers and booleans as text", () => {
    const { status, stderr } = preview(
      {
        staging: {
          "iaso:webMinSize": "2",
          "iaso:cloudFront": "false",
          "iaso:gdalImageId": "ami-0fedcba9876543210",
        },
      },
      "staging",
    );
    expect(status, stderr).to.equal(0);
  });

  it("are refused with a secret, encrypted or not, and its value is not shown", () => {
    const settings = {
      "iaso:sentryDsn": "https://key@sentry.example.org/1",
      "iaso:secretKey": { secure: "v1:c2FsdA==:c2VjcmV0" },
    };
    const { status, stderr } = preview({ staging: settings }, "staging");
    expect(status).to.equal(1);
    expect(stderr)
      .to.include("iaso:sentryDsn is a secret, and this program takes none.")
      .and.include("iaso:secretKey is a secret, and this program takes none.")
      .and.include("fix:      npm run init-stack -- staging")
      .and.not.match(/key@|c2Fs/);
  });

  it("are refused with a misspelt key, whose settings the engine would ignore", () => {
    writeExampleProject(directory);
    const file = join(directory, "Pulumi.staging.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace(/^config:/m, "confg:"));
    const { status, stderr } = spawnSync("npm", ["run", "--silent", "preview", "--", "staging"], {
      cwd: directory,
      encoding: "utf8",
    });
    expect(status).to.equal(1);
    expect(stderr).to.equal(
      `${file} has the unknown key confg. Did you mean config? Settings stand below config.\n`,
    );
  });

  it("are suggested for a misspelt stack", () => {
    const { status, stderr } = preview({}, "stagign");
    expect(status).to.equal(1);
    expect(stderr).to.equal(
      "There is no stack stagign: Pulumi.stagign.yaml is missing. Did you mean staging? There are: staging, prod.\n",
    );
  });
});
