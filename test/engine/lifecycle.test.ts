import { expect } from "chai";
import { leaksIn } from "../leaks";
import { deploy, ENVIRONMENT, pairOf, roleOf } from "./deployTool";
import { AccountDouble } from "../settings/accountDouble";
import { Lab, SECRETS } from "./lab";
import { DATABASE, restoreDatabase } from "./restoreDatabase";

const BUCKET = "aws:s3/bucket:Bucket";
const PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";

/** A value to which the test rotates a secret. */
const ROTATED = { EMAIL_HOST_PASSWORD: 'LeakMarkRotatedEmail"Password<9>8\\7' };

/** The number of resources of each operation, without `same`. */
function changes(summary: { resourceChanges?: Record<string, number> }): Record<string, number> {
  const { same, ...changed } = summary.resourceChanges ?? {};
  // A missing summary would have no changes either.
  expect(same).to.be.above(100);
  return changed;
}

for (const stackName of ["staging", "prod"]) {
  describe(`the life of ${stackName} on the real engine`, () => {
    const withTls = stackName === "staging";
    /** Marks the tests of the short suite. */
    const short = stackName === "staging" ? " @short" : "";
    let lab: Lab;
    before(async () => {
      lab = await Lab.open(stackName);
      // One of the stacks uses every secret.
      if (withTls) {
        await lab.set("enketoRedisTls", "true");
        await lab.set("enketoImage", "enketo/enketo-express:7.5.1");
      }
    });
    after(() => {
      lab.close();
    });

    it(`comes up from nothing by the runbook's commands${short}`, async () => {
      const { code, output } = await lab.follow("deploy");
      expect(code, output).to.equal(0);
      expect(lab.account.ofType(ENVIRONMENT)).to.have.length(3);
      expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
    });

    it(`changes nothing at the second preview, up and refresh${short}`, async () => {
      const before = JSON.stringify(lab.account.resources);
      expect(changes({ resourceChanges: (await lab.preview()).changeSummary })).to.deep.equal({});
      expect(changes((await lab.up()).summary)).to.deep.equal({});
      expect(changes((await lab.refresh()).summary)).to.deep.equal({});
      expect(changes((await lab.up()).summary)).to.deep.equal({});
      expect(JSON.stringify(lab.account.resources)).to.equal(before);
    });

    const settings: [what: string, key: string, value: string, updated: string[], shown?: string][] = [
      ["instance type", "webInstanceType", "t3.2xlarge", ["web"]],
      ["scale", "workerMaxSize", "7", ["worker"]],
      ["image", "gdalImageId", "ami-0fedcba9876543210", ["web", "worker"]],
      ["environment variable", "emailFrom", "Iaso <other@mg-staging.example.org>", ["web", "worker"]],
      ["set of variables, one more", "plugins[0]", "polio", ["web", "worker"], '"name":"PLUGINS"'],
    ];
    for (const [what, key, value, updated, shown = JSON.stringify(value)] of settings) {
      it(`updates ${updated.join(" and ")} in place, and nothing else, for a changed ${what}`, async () => {
        const ids = idsOf(lab);
        const before = settingsOf(lab);
        const { code, output, operations } = await lab.follow("change", { SETTING: key, VALUE: value });
        expect(code, output).to.equal(0);
        const expected = updated.map((role) => `update ${ENVIRONMENT} ${role}`);
        // The roles of CI may start instances from this image only.
        if (key === "gdalImageId") {
          for (const role of ["deploy", "up"])
            expected.push(`update aws:iam/policy:Policy ci-${role}-instances`);
        }
        expect(operations, "of preview and up").to.deep.equal([expected, expected]);
        const after = settingsOf(lab);
        const changed = [...after.keys()].filter((role) => after.get(role) !== before.get(role));
        expect(changed).to.have.members(updated);
        for (const role of updated) {
          expect(before.get(role)).not.to.include(shown);
          expect(after.get(role)).to.include(shown);
        }
        expect(idsOf(lab)).to.deep.equal(ids);
      });
    }

    it(`leaves the version that the deploy tool has set, whether the state knows of it or not${short}`, async () => {
      for (const [version, size] of [
        ["42", "8"],
        ["43", "9"],
      ] as const) {
        const label = await deploy(lab, version);
        expect(label).to.match(new RegExp(`^${version}-`));
        expect(versionsOf(lab)).to.deep.equal([label, label]);
        if (version === "43") expect(changes((await lab.refresh()).summary)).to.deep.equal({});
        await lab.set("webMaxSize", size);
        expect(changes((await lab.up()).summary)).to.deep.equal({ update: 1 });
        expect(settingsOf(lab).get("web")).to.include(`"value":"${size}"`);
        expect(versionsOf(lab)).to.deep.equal([label, label]);
      }
    });

    it("rotates secrets without Pulumi: no update follows", async () => {
      const aws = new AccountDouble();
      aws.databases.set("iaso-staging", "before");
      const variables = await aws.start();
      try {
        for (const name of ["EMAIL_HOST_PASSWORD", "RDS_PASSWORD"]) {
          const { code, output } = await lab.follow("rotate-secret", {
            ...variables,
            ...ROTATED,
            SECRET: name,
          });
          expect(code, output).to.equal(0);
          expect(output).to.include(`Replaced ${name}.`);
        }
        const values = [...aws.parameters.values()].map(({ value }) => value);
        expect(values).to.have.length(2).and.include(ROTATED.EMAIL_HOST_PASSWORD);
        const { operations } = await lab.follow("retry");
        expect(operations).to.deep.equal([[]]);
      } finally {
        aws.stop();
      }
    });

    it("finds manual changes by refresh and reverts them", async () => {
      const [block] = lab.account.ofType(PUBLIC_ACCESS).filter(({ id }) => id.endsWith("-media"));
      if (!block) throw new Error("no public-access block");
      await lab.byHand((account) => {
        account.remove(PUBLIC_ACCESS, block.id);
      });
      const { code, output, operations } = await lab.follow("drift");
      expect(code, output).to.equal(0);
      expect(output).to.match(/- 1 deleted/);
      const [, up] = operations;
      expect(up).to.deep.equal([`create ${PUBLIC_ACCESS} media`]);
      expect(lab.account.find(PUBLIC_ACCESS, block.id)?.inputs).to.deep.equal(block.inputs);
    });

    it("has a restored database in place of the old one, and the next update changes nothing", async () => {
      const before = lab.account.ofType(DATABASE);
      expect(await restoreDatabase(lab)).to.include("Iaso works with it");
      const after = lab.account.ofType(DATABASE);
      expect(after.map(({ id }) => id))
        .to.have.length(1)
        .and.not.include(before[0]?.id);
      const { code, output, operations } = await lab.follow("after-restore");
      expect(code, output).to.equal(0);
      expect(operations.at(-1)).to.deep.equal([]);
      expect(lab.account.ofType(DATABASE)).to.deep.equal(after);
    });

    it("shows no secret value in the state, the outputs, the logs or the events", async () => {
      const rotated = { "EMAIL_HOST_PASSWORD, rotated": ROTATED.EMAIL_HOST_PASSWORD };
      const secrets: Record<string, string> = { ...SECRETS, ...rotated };
      // Whoever previews a pull request can read the state, and its passphrase is empty.
      const decrypted = await lab.run('pulumi stack export --show-secrets --stack "$STACK"');
      const places = {
        ...lab.written(),
        outputs: JSON.stringify(await (await lab.stack()).outputs()),
        "decrypted state": decrypted.output,
      };
      // Each place has its usual content, and the search finds the values in the account, where they must be.
      expect(places.state).to.include('"urn":"');
      expect(places["decrypted state"]).to.include("RDS_PASSWORD").and.include(DATABASE);
      expect(places.events).to.include(DATABASE).and.include("resOutputsEvent");
      expect(places.log).to.include("Replaced RDS_PASSWORD.");
      expect(places["Pulumi's own logs"]).not.to.equal("");
      expect(places.outputs).to.include("databaseHost");
      for (const [place, text] of Object.entries(places)) {
        expect(leaksIn(text, secrets), place).to.deep.equal([]);
      }
      expect(leaksIn(JSON.stringify(lab.account.secrets), secrets)).to.have.members(Object.keys(SECRETS));
    });

    it(`refuses to be destroyed while it is protected, and deletes nothing${short}`, async () => {
      const before = lab.account.resources.length;
      const { code, output } = await lab.follow("destroy");
      expect(code).not.to.equal(0);
      expect(output).to.match(/protect/);
      expect(lab.account.resources).to.have.length(before);
    });

    if (stackName === "staging") {
      it("is destroyed after the documented unprotect, but for final snapshot and media @short", async () => {
        const unprotected = await lab.follow("unprotect");
        expect(unprotected.code, unprotected.output).to.equal(0);
        const full = Object.fromEntries(lab.account.ofType(BUCKET).map(({ id }) => [id, ["an/object"]]));
        await lab.byHand((account) => {
          Object.assign(account.objects, full);
          account.save();
        });
        const refused = await lab.follow("destroy");
        expect(refused.code, refused.output).not.to.equal(0);
        expect(refused.output).to.include("BucketNotEmpty");

        const media = Object.keys(full).filter((bucket) => bucket.endsWith("-media"));
        await lab.byHand((account) => {
          for (const bucket of Object.keys(full)) {
            if (!media.includes(bucket)) Reflect.deleteProperty(account.objects, bucket);
          }
          account.save();
        });
        const { code, output } = await lab.follow("destroy");
        expect(code, output).to.equal(0);
        const { snapshots, resources, objects } = lab.account;
        expect(snapshots.map(({ identifier }) => identifier)).to.have.members([
          "iaso-staging-final",
          "iaso-staging-enketo-main-final",
        ]);
        expect(media).to.have.length(1);
        expect(objects).to.deep.equal({ [media[0] ?? ""]: ["an/object"] });
        expect(resources.filter(({ inputs }) => inputs.bucket !== media[0])).to.deep.equal([]);
        expect(resources.map(({ type }) => type)).to.include.members([BUCKET, PUBLIC_ACCESS]);
        expect((await lab.state()).resources ?? []).to.deep.equal([]);
      });
    }
  });
}

/** The ids of the resources that must never be replaced. */
function idsOf(lab: Lab): string[] {
  return lab.account
    .ofType(DATABASE, BUCKET, ENVIRONMENT)
    .map(({ id }) => id)
    .sort();
}

/** The versions that web and worker run. */
function versionsOf(lab: Lab): unknown[] {
  return pairOf(lab).map(({ inputs }) => inputs.version);
}

/** The option settings of each environment, by its role. */
function settingsOf(lab: Lab): Map<string, string> {
  return new Map(
    lab.account
      .ofType(ENVIRONMENT)
      .map((environment) => [roleOf(environment), JSON.stringify(environment.inputs.settings)]),
  );
}
