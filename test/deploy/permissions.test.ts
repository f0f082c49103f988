import { expect } from "chai";
import { download } from "../../deploy/commands/download";
import { prune } from "../../deploy/commands/prune";
import { rollback } from "../../deploy/commands/rollback";
import { status } from "../../deploy/commands/status";
import { versions } from "../../deploy/commands/versions";
import { EXIT } from "../../deploy/exitCodes";
import { exitCode, type Report } from "../../deploy/output/report";
import { findPair } from "../../deploy/pair/find";
import { readPlugins } from "../../deploy/pair/plugins";
import type { Session } from "../../deploy/session";
import { roleOf, type Role, unusedPermissions } from "../authorization";
import { find, previewOf } from "../support";
import { ARTIFACTS, AwsDouble, ENV, PREVIOUS } from "./double/aws";
import { deployRole } from "./double/authorization";
import { builtVersion, deployment, repairing, runDirect } from "./double/runs";
import { removeTemporaryDirectories, temporaryDirectory } from "./source/checkout";

/** Permissions that no request below needs, and why the role has them. */
const EXTRAS: Record<string, string> = {
  "ChangeLaunchTemplates: ec2:ModifyLaunchTemplate":
    "CloudFormation makes a new version of the template the default version",
  "LookAtTasks: sqs:GetQueueUrl": "Beanstalk asks for the queue of a worker that it updates",
  "ListBuckets: s3:GetBucketLocation": "Beanstalk takes source bundles of buckets in its region only",
  [`ReadBundles: arn:aws:s3:::${ARTIFACTS}/pulumi/*`]:
    "Beanstalk may read the source bundle of the first version again at a rollback to it",
};

function account(role: Role, platform: "python" | "docker" = "python"): AwsDouble {
  const double = new AwsDouble();
  double.describeTarget(undefined, platform);
  double.role = role;
  double.addPair();
  double.parameters.set(`/iaso-secrets/${ENV}/DEPLOY_API_TOKEN`, "token");
  double.time.now += 60_000;
  return double;
}

async function run(double: AwsDouble, command: (session: Session) => Promise<Report>): Promise<Report> {
  const end = await runDirect(double, command);
  if (end === "killed") throw new Error("nothing kills this run");
  double.time.now += 60_000;
  return end;
}

/** Every command of the tool, with updates that fail and hang. */
async function useEverything(double: AwsDouble): Promise<void> {
  for (const version of ["1.1", "1.2", "1.3", "1.4"]) {
    // Tasks that run make the tool ask Iaso for their names, with the token.
    double.tasksInFlight = [1, 0];
    const { build } = builtVersion(version);
    const report = await run(double, deployment(build, { snapshot: version === "1.1" }));
    expect(report.outcome, JSON.stringify(report)).to.equal("deployed");
  }
  const back = await run(double, (session) =>
    rollback(session, { runningTasks: "wait", migrationsUnchecked: false }),
  );
  expect(back.outcome).to.equal("deployed");
  const hanging = builtVersion("1.5");
  double.beanstalk.plan("iaso-staging", hanging.label, "hangs");
  expect((await run(double, deployment(hanging.build))).outcome).to.equal("rolledBack");
  // After a run that died, the tool looks whether it was a restore.
  double.faultOn = (operation) => (operation === "UpdateEnvironment" ? "killAfter" : undefined);
  expect(await runDirect(double, deployment(builtVersion("1.6").build))).to.equal("killed");
  double.faultOn = () => undefined;
  double.time.now += 600_000;
  // The build asks for the plugins that the environment enables.
  const plugins = async (session: Session) => {
    await readPlugins(session, await findPair(session.clients.beanstalk, ENV, session.target));
    return status(session);
  };
  for (const command of [repairing(), plugins, versions, (session: Session) => prune(session, 1)]) {
    const report = await run(double, command);
    expect(exitCode(report), report.summary).to.equal(EXIT.done);
  }
}

describe("the permissions of the role deploy", () => {
  const own = deployRole(ENV);
  const double = account(own);
  before(() => useEverything(double));
  after(removeTemporaryDirectories);

  it("are the same in the double and in the program", async () => {
    const document = await previewOf(ENV);
    expect(roleOf(document, "ci-deploy").statements).to.deep.equal(deployRole(ENV).statements);
    expect(find(document, "aws:iam/role:Role", "ci-deploy").inputs).not.to.have.property(
      "permissionsBoundary",
    );
  });

  it("are enough for every command of the tool, and are all needed, but for some extras with a reason", () => {
    const operations = double.calls.map(({ operation }) => operation);
    expect(operations).to.include.members([
      "AbortEnvironmentUpdate",
      "CopyObject",
      "CreateDBSnapshot",
      "DeleteApplicationVersion",
      "DeleteObjects",
    ]);
    const unused = unusedPermissions(double.role);
    for (const permission of unused) console.log(`      not used: ${permission}`);
    expect(unused).to.have.members(Object.keys(EXTRAS));
  });

  it("are not enough without any one of the statements", () => {
    for (const { Sid } of own.statements) {
      // The tool writes bundles, so it may read them too.
      if (Sid === "ReadBundles") continue;
      const role = own.without(Sid);
      expect(role.missing(double.role.asked), String(Sid)).not.to.be.empty;
    }
  });

  it("make an update fail with the action that is missing, before the environment changes", async () => {
    const lacking = account(own.without("ReadEnvironmentResources"));
    const { build } = builtVersion();
    const report = await run(lacking, deployment(build));
    expect(JSON.stringify(report)).to.include(
      "s3:GetObject on arn:aws:s3:::elasticbeanstalk-env-resources-eu-central-1/eb_patching_resources/",
    );
    expect(lacking.web.updates).to.deep.equal([]);
    expect(lacking.web.truth.label).to.equal(PREVIOUS);
  });

  it("are enough, and all needed, to copy, promote and prune the images of the Docker platform", async () => {
    const role = deployRole(ENV, undefined, "docker");
    const docker = account(role, "docker");
    for (const version of ["1.1", "1.2", "1.3"]) {
      const report = await run(docker, deployment(builtVersion(version, {}, "docker").build));
      expect(report.outcome, JSON.stringify(report)).to.equal("deployed");
    }
    const directory = temporaryDirectory();
    for (const command of [
      (session: Session) => download(session, directory),
      (session: Session) => prune(session, 1),
    ])
      expect(exitCode(await run(docker, command))).to.equal(EXIT.done);
    expect(unusedPermissions(role).filter((permission) => permission.includes("ecr:"))).to.deep.equal([]);
    const onImages = role.asked.filter(({ action }) => action.startsWith("ecr:"));
    expect(onImages.filter((one) => own.allows(one))).to.deep.equal([]);
    const stranger = deployRole("demo", undefined, "docker");
    expect(onImages.filter((one) => stranger.allows(one))).to.deep.equal([]);
  });

  it("do not reach another environment's pair, buckets and parameters", () => {
    const other = deployRole("demo", { web: "e-0000000003", worker: "e-0000000009" });
    const changed = double.role.asked.filter(
      ({ action, resource }) =>
        /iaso-staging|iaso\/staging|e-0000000002\//.test(resource) && !/^elasticbeanstalk:List/.test(action),
    );
    expect(changed.length).to.be.greaterThan(20);
    expect(changed.filter((one) => other.allows(one))).to.deep.equal([]);
    expect(changed.map(({ resource }) => resource)).to.include(`arn:aws:s3:::${ARTIFACTS}/locks/${ENV}.json`);
  });
});
