import { expect } from "chai";
import type { AccountResource } from "../../simulator/provider/account";
import { Lab, SECRETS } from "./lab";

const DATABASE = "aws:rds/instance:Instance";
const BUCKET = "aws:s3/bucket:Bucket";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";

/** What changed, without what stayed. */
function changes(summary: { resourceChanges?: Record<string, number> }): Record<string, number> {
  return Object.fromEntries(
    Object.entries(summary.resourceChanges ?? {}).filter(([operation]) => operation !== "same"),
  );
}

for (const stackName of ["staging", "prod"]) {
  describe(`the life of ${stackName} on the real engine`, () => {
    let lab: Lab;
    before(async () => {
      lab = await Lab.open(stackName);
    });
    after(() => {
      lab.close();
    });

    it("comes up from nothing by the runbook's commands", async () => {
      const { code, output } = await lab.follow("deploy");
      expect(code, output).to.equal(0);
      expect(lab.account.ofType(ENVIRONMENT)).to.have.length(3);
      expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
    });

    it("changes nothing at the second preview, up and refresh", async () => {
      const before = JSON.stringify(lab.account.resources);
      expect(changes({ resourceChanges: (await lab.preview()).changeSummary })).to.deep.equal({});
      expect(changes((await lab.up()).summary)).to.deep.equal({});
      expect(changes((await lab.refresh()).summary)).to.deep.equal({});
      expect(changes((await lab.up()).summary)).to.deep.equal({});
      expect(JSON.stringify(lab.account.resources)).to.equal(before);
    });

    const settings: [what: string, key: string, value: string, updated: string[]][] = [
      ["instance type", "webInstanceType", "t3.2xlarge", ["web"]],
      ["scale", "workerMaxSize", "7", ["worker"]],
      ["image", "gdalImageId", "ami-0fedcba9876543210", ["web", "worker"]],
      ["environment variable", "emailFrom", "Iaso <other@mg-staging.example.org>", ["web", "worker"]],
    ];
    for (const [what, key, value, updated] of settings) {
      it(`updates ${updated.join(" and ")} in place, and nothing else, for a changed ${what}`, async () => {
        const ids = idsOf(lab);
        const before = settingsOf(lab);
        const { code, output } = await lab.follow("change", { SETTING: key, VALUE: value });
        expect(code, output).to.equal(0);
        expect(output)
          .to.match(new RegExp(`~ ${updated.length} updated`))
          .and.not.match(/created|deleted|replaced/);
        const after = settingsOf(lab);
        const changed = [...after.keys()].filter((role) => after.get(role) !== before.get(role));
        expect(changed).to.have.members(updated);
        for (const role of updated) expect(after.get(role)).to.include(JSON.stringify(value));
        expect(idsOf(lab)).to.deep.equal(ids);
      });
    }

    it("leaves the version that the deploy tool has set", async () => {
      const account = lab.account;
      for (const environment of pairOf(lab)) {
        account.put({
          ...environment,
          inputs: { ...environment.inputs, version: "deployed-42" },
          state: { ...environment.state, version: "deployed-42" },
        });
      }
      await lab.restartProvider();
      await lab.refresh();
      await lab.set("webMaxSize", "9");
      expect(changes((await lab.up()).summary)).to.deep.equal({ update: 1 });
      expect(pairOf(lab).map(({ inputs }) => inputs.version)).to.deep.equal(["deployed-42", "deployed-42"]);
    });

    it("rotates a secret without touching an environment", async () => {
      const { code, output } = await lab.follow("rotate-secret", {
        SETTING: "emailPassword",
        VALUE: "LeakMarkRotatedEmailPassword9876543210",
      });
      expect(code, output).to.equal(0);
      expect(output).to.match(/~ 1 updated/);
      const [parameter] = lab.account
        .ofType("aws:ssm/parameter:Parameter")
        .filter(({ inputs }) => inputs.value === "LeakMarkRotatedEmailPassword9876543210");
      expect(parameter?.inputs.type).to.equal("SecureString");
    });

    it("sees by refresh what was changed by hand, and puts it back", async () => {
      const account = lab.account;
      const block = account.ofType(PUBLIC_ACCESS).find(({ id }) => id.endsWith("-media"));
      account.remove(PUBLIC_ACCESS, block?.id ?? "");
      await lab.restartProvider();
      const { code, output } = await lab.follow("drift");
      expect(code, output).to.equal(0);
      expect(output)
        .to.match(/- 1 deleted/)
        .and.match(/\+ 1 created/);
      expect(lab.account.find(PUBLIC_ACCESS, block?.id ?? "")?.inputs).to.deep.equal(block?.inputs);
    });

    it("takes a restored database in place of the old one", async () => {
      const account = lab.account;
      const [old] = account.ofType(DATABASE);
      if (!old) throw new Error("no database");
      account.remove(DATABASE, old.id);
      account.put({
        ...old,
        id: "db-RESTORED",
        inputs: { ...old.inputs, monitoringInterval: 0 },
        state: { ...old.state, monitoringInterval: 0 },
      });
      await lab.restartProvider();
      const { code, output } = await lab.follow("restore-database", {
        OLD_RESOURCE_ID: old.id,
        NEW_RESOURCE_ID: "db-RESTORED",
      });
      expect(code, output).to.equal(0);
      expect(output).not.to.match(/created|deleted|replaced/);
      expect(
        lab.account.ofType(DATABASE).map(({ id, inputs }) => [id, inputs.monitoringInterval]),
      ).to.deep.equal([["db-RESTORED", 60]]);
    });

    it("shows no secret value in the state, the outputs, the logs or the events", async () => {
      const state = lab.stateFiles();
      expect(state).to.include("iaso-");
      const marks = [...Object.values(SECRETS), "LeakMarkRotatedEmailPassword9876543210"];
      const places = {
        state,
        log: lab.log,
        events: JSON.stringify(lab.events),
        outputs: JSON.stringify(await (await lab.stack()).outputs()),
      };
      for (const [place, text] of Object.entries(places)) {
        for (const mark of marks) {
          for (const form of [mark, Buffer.from(mark).toString("base64"), encodeURIComponent(mark)]) {
            expect(text.includes(form), `${mark.slice(0, 12)}... in ${place}`).to.equal(false);
          }
        }
      }
      // The values are in the account, where they belong: the search looks for what is there.
      expect(JSON.stringify(lab.account.resources)).to.include(SECRETS.secretKey);
    });

    it("refuses to be destroyed while it is protected, and deletes nothing", async () => {
      const before = lab.account.resources.length;
      const { code, output } = await lab.follow("destroy");
      expect(code).not.to.equal(0);
      expect(output).to.match(/protect/);
      expect(lab.account.resources).to.have.length(before);
    });

    if (stackName === "staging") {
      it("is destroyed after the documented unprotect, but for final snapshot and media", async () => {
        const unprotected = await lab.follow("unprotect");
        expect(unprotected.code, unprotected.output).to.equal(0);
        const { code, output } = await lab.follow("destroy");
        expect(code, output).to.equal(0);
        expect(lab.account.snapshots.map(({ identifier }) => identifier)).to.deep.equal([
          "iaso-staging-final",
        ]);
        const left = lab.account.resources;
        expect(left.filter(({ id }) => !id.startsWith("example-iaso-staging-media"))).to.deep.equal([]);
        expect(left.map(({ type }) => type)).to.include(BUCKET);
        expect((await lab.state()).resources ?? []).to.deep.equal([]);
      });
    }
  });
}

/** Ids of what must never be replaced. */
function idsOf(lab: Lab): string[] {
  return lab.account
    .ofType(DATABASE, BUCKET, ENVIRONMENT)
    .map(({ id }) => id)
    .sort();
}

/** Web and worker: Enketo's version is the program's own. */
function pairOf(lab: Lab): AccountResource[] {
  return lab.account.ofType(ENVIRONMENT).filter((environment) => roleOf(environment) !== "enketo");
}

/** The option settings of each environment, by its role. */
function settingsOf(lab: Lab): Map<string, string> {
  return new Map(
    lab.account
      .ofType(ENVIRONMENT)
      .map((environment) => [roleOf(environment), JSON.stringify(environment.inputs.settings)]),
  );
}

function roleOf({ inputs }: AccountResource): string {
  return (inputs.tags as Record<string, string>).role ?? "";
}
