import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";

const ROOT = join(__dirname, "../..");

/** Runs the code with the deferred modules, and returns what it printed. */
function run(code: string): string {
  const deferred = join(ROOT, "cli/deferred.cjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--require", deferred, "-e", code], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect(status, stderr).to.equal(0);
  return stdout.trim();
}

describe("deferred modules", () => {
  for (const name of ["typescript", "@npmcli/arborist", "normalize-package-data", "fdir", "execa"]) {
    it(`does not load ${name} with Pulumi's SDK`, () => {
      const loaded = run(`
        require("@pulumi/pulumi");
        console.log(Object.keys(require.cache).some((file) => file.includes("node_modules/${name}/")));
      `);
      expect(loaded).to.equal("false");
    });
  }

  it("does not load the translations of Zod's messages", () => {
    const loaded = run(`
      require("zod/mini");
      console.log(Object.keys(require.cache).filter((file) => file.includes("zod/v4/locales/")).length);
    `);
    expect(loaded).to.equal("0");
  });

  it("loads a client of AWS for a command that uses it, and no other", () => {
    const loaded = run(`
      const s3 = require("@aws-sdk/client-s3");
      const ec2 = require("@aws-sdk/client-ec2");
      new s3.S3Client({ region: "eu-west-1" });
      const names = ["s3", "ec2"].filter((name) =>
        Object.keys(require.cache).some((file) => file.includes("node_modules/@aws-sdk/client-" + name + "/")));
      console.log(names.join(" "), typeof ec2.DescribeVpcsCommand);
    `);
    expect(loaded).to.equal("s3 function");
  });

  it("loads only the services of AWS that a program uses", () => {
    const [type, ...services] = run(`
      const aws = require("@pulumi/aws");
      console.log(typeof aws.s3.Bucket);
      for (const file of Object.keys(require.cache)) {
        const service = /@pulumi\\/aws\\/([a-z0-9]+)\\/index.js$/.exec(file);
        if (service) console.log(service[1]);
      }
    `).split("\n");
    expect(type).to.equal("function");
    expect(services).to.include("s3").and.not.include.members(["rds"]);
    expect(services.length).to.be.lessThan(10);
  });

  it("shows the same services and exports of @pulumi/aws as without deferred modules @proof", () => {
    const code = `
      const aws = require("@pulumi/aws");
      const names = (module) => Object.keys(module).filter((name) => name !== "__esModule").sort();
      console.log(names(aws).map((name) =>
        typeof aws[name] === "object" ? name + ": " + names(aws[name]) : name).join(";"));
    `;
    const { stdout } = spawnSync(process.execPath, ["-e", code], { cwd: ROOT, encoding: "utf8" });
    expect(stdout).to.include("s3: ");
    expect(run(code)).to.equal(stdout.trim());
  });

  it("loads the compiler for a program that turns a function into Lambda code @proof", () => {
    const code = run(`
      const pulumi = require("@pulumi/pulumi");
      pulumi.runtime.serializeFunction(() => "from a Lambda").then(({ text }) => console.log(text));
    `);
    expect(code).to.include("from a Lambda");
  });

  it("loads npm's packages for a program that packs its dependencies for a Lambda @proof", () => {
    const size = run(`
      const pulumi = require("@pulumi/pulumi");
      pulumi.runtime.computeCodePaths().then((paths) => console.log(paths.size));
    `);
    expect(Number(size)).to.be.greaterThan(10);
  });

  it("loads the Automation API for a program that uses it", () => {
    expect(
      run(`console.log(typeof require("@pulumi/pulumi").automation.LocalWorkspace.createStack)`),
    ).to.equal("function");
  });

  it("loads a translation of Zod's messages on use", () => {
    expect(
      run(`
        const z = require("zod/mini");
        z.config(z.locales.fr());
        console.log(z.string().safeParse(1).error.issues[0].message);
      `),
    ).to.match(/^Entrée invalide/);
  });
});
