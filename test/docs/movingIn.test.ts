import { execFile } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ENV } from "../deploy/double/aws";
import { USER } from "../move/cutover/platforms";
import { ServedPlatforms } from "../move/cutover/served";
import { ExistingAccount } from "../move/double/account";
import { MoveLab } from "../move/double/lab";
import { MediaS3 } from "../move/double/media";
import { writeExampleProject } from "../support";

const PAGE = readFileSync(join(__dirname, "../../docs/moving-in.md"), "utf8");

/** The commands of the page, in their order, without comments and continued lines. */
const COMMANDS = [...PAGE.matchAll(/```sh\n([^]*?)```/g)]
  .flatMap(([, block = ""]) => block.replaceAll(/\\\n\s*/g, "").split("\n"))
  .filter((line) => line !== "" && !line.startsWith("#"));

/** Commands with tests of their own: they need other doubles. */
const ELSEWHERE = [
  "npm run init-stack -- prod",
  "npm run doctor -- prod --preflight",
  "npm run doctor -- prod",
];

/** The commands that run on a fast clock, against the doubles of both platforms. */
const MOVES = COMMANDS.filter((command) => /^npm run move -- (rehearse|cutover|back) /.test(command));

describe("docs/moving-in.md", function () {
  this.timeout(600_000);
  const lab = new MoveLab();
  const s3 = new MediaS3();
  let project: string;

  before(async () => {
    await lab.start();
    await s3.start();
    s3.addBucket("old-iaso-media");
    s3.put("old-iaso-media", "forms/1.xml", "a form");
    project = mkdtempSync(join(tmpdir(), "moving-in-"));
    writeExampleProject(project);
    // The stack of staging is in the same account.
    for (const stack of ["staging", "prod"])
      for (const file of [`Pulumi.${stack}.yaml`, `policies/policy-config.${stack}.json`])
        rmSync(join(project, file));
    lab.account = new ExistingAccount();
    const keys = {
      SECRET_KEY: "k".repeat(50),
      ENCRYPTED_TEXT_FIELD_KEY: `${"k".repeat(43)}=`,
      ENKETO_ENCRYPTION_KEY: "k".repeat(40),
    };
    for (const [name, value] of Object.entries(keys)) lab.account.parameters.set(`/old-iaso/${name}`, value);
    lab.showRedis();
  });
  after(() => {
    lab.stop();
    s3.stop();
    rmSync(project, { recursive: true });
  });

  const run = (command: string, variables: Record<string, string> = {}) =>
    new Promise<string>((resolve, reject) => {
      const env = { ...process.env, ...variables };
      execFile("sh", ["-c", command], { cwd: project, env }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${command}: ${stdout}${stderr}`));
      });
    });

  /** Runs a command against the double of S3 that copies. Nobody is there to answer its question. */
  async function copyMedia(command: string): Promise<string> {
    const settings = readFileSync(join(project, "Pulumi.prod.yaml"), "utf8");
    const organization = /^ +iaso:organization: (.+)$/m.exec(settings)?.[1] ?? "";
    s3.addBucket(`${organization}-iaso-prod-media`);
    return run(`${command} --yes`, { AWS_ENDPOINT_URL_S3: s3.url });
  }

  /** Runs the commands of the page up to the rehearsal, once, and a preview. Returns what each shows. */
  const followed = async (): Promise<string[]> => {
    const own = COMMANDS.filter(
      (command) =>
        command.startsWith("npm run") &&
        !command.includes("OLD") &&
        ![...ELSEWHERE, ...MOVES].includes(command),
    );
    const shown: string[] = [];
    for (const command of own) {
      shown.push(await (command.includes("copy-media") ? copyMedia(command) : run(command)));
    }
    shown.push(await run("npm run preview -- prod"));
    return shown;
  };
  let beginning: Promise<string[]> | undefined;

  it("can be followed from the survey to the preview of a stack with data", async () => {
    const shown = await (beginning ??= followed());
    expect(shown.join("\n"))
      .to.include("Wrote Pulumi.prod.yaml, policies/policy-config.prod.json, survey-prod.md.")
      .and.include("SECRET_KEY carried from ")
      .and.include("creates the database from iaso-prod-moving-in")
      .and.include("Next: pulumi up --stack prod")
      .and.include("The new bucket has all media: 1 object");
    expect(shown.at(-1)).to.match(/all \d+ rules pass for prod/);
  });

  it("takes the snapshot of a copy that was upgraded", async () => {
    const [live] = lab.account.databases;
    lab.account.databases = [
      { ...live!, EngineVersion: "12.17" },
      { ...live!, DBInstanceIdentifier: "old-iaso-copy", host: "copy" },
    ];
    lab.account.snapshots.clear();
    const command = COMMANDS.find((one) => one.startsWith("npm run move") && one.includes("OLD")) ?? "";
    expect(await run(command.replace("OLD", "old-iaso"))).to.include(
      "Taking the snapshot iaso-prod-moving-in of old-iaso-copy.",
    );
  });

  it("can be followed from there through a rehearsal, back from a cutover, and to the new platform @proof", async () => {
    await (beginning ??= followed());
    expect(MOVES.map((command) => command.split(" ")[4])).to.deep.equal(["rehearse", "cutover", "back"]);
    const [rehearse = "", cutover = "", back = ""] = MOVES;
    // The double of a platform is that of this environment. The stack keeps its name.
    appendFileSync(join(project, "Pulumi.prod.yaml"), `  iaso:env: ${ENV}\n`);
    const served = await ServedPlatforms.start(60);
    const { double, iaso } = served.platforms;
    const move = async (command: string): Promise<string> => {
      const [, , , , ...args] = command.replace("USER", USER.name).split(" ");
      const yes = command === back ? [] : ["--yes"];
      const { code, output } = await served.run(project, [...args, ...yes], { IASO_PASSWORD: USER.password });
      return `${code}: ${output}`;
    };
    try {
      expect(await move(rehearse)).to.match(/^0: .*Expected interruption of a cutover: \d+ min/s);
      expect(iaso.isAsBefore).to.equal(true);
      double.faultOn = (operation, before) =>
        operation === "RestoreDBInstanceFromDBSnapshot" && before === 1 ? "error" : undefined;
      expect(await move(cutover)).to.match(
        /^6: .*as in the rehearsal of .*CLOSED.*npm run move -- back prod/s,
      );
      double.faultOn = () => undefined;
      expect(await move(back)).to.match(/^0: .*iaso-old is open again, as before the cutover/s);
      expect(iaso.isAsBefore).to.equal(true);
      expect(await move(cutover)).to.match(
        /^0: .*iaso\.example\.org is the new platform.*pulumi up --stack prod/s,
      );
      expect(await move(back)).to.match(/^2: .*nothing goes back/s);
      expect(served.mismatches(true)).to.deep.equal([]);
    } finally {
      await served.stop();
    }
    expect(await run("npm run preview -- prod")).to.match(/all \d+ rules pass for prod/);
  });
});
