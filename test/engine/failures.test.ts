import { expect } from "chai";
import fc from "fast-check";
import { printedSeed } from "../seed";
import { Lab } from "./lab";
import { testedCommands, TRY_ALL } from "./runbook";

/** Limit of attempts, longer than the longest chain of dependent resources. */
const MOST_ATTEMPTS = 40;

/** Number of creations of a stack that fail, each in an account of its own. */
const ALONE = 8;

describe("updates that fail", () => {
  for (const stackName of ["staging", "prod"]) {
    it(`converge though the creation of every resource of ${stackName} fails once`, async () => {
      const lab = await Lab.open(stackName);
      try {
        // Each attempt creates the resources that failed in the one before, and fails at the resources that depend on them.
        lab.faults({ operation: "create", each: true, action: "fail" });
        let attempts = 0;
        let code: number | null = 1;
        while (code !== 0) {
          attempts += 1;
          expect(attempts, lab.log.slice(-3000)).to.be.at.most(MOST_ATTEMPTS);
          const ran = await (attempts === 1 ? lab.follow("retry") : lab.run(TRY_ALL));
          code = ran.code;
          if (code !== 0)
            expect(ran.output, ran.output).to.include("simulated fault").and.not.include("panic");
          expect(await lab.strays(), `after attempt ${attempts}`).to.deep.equal({
            orphaned: [],
            missing: [],
          });
          expect((await lab.state()).pending_operations ?? []).to.deep.equal([]);
        }
        lab.faults();

        const created = lab.account.resources.map(({ type, id }) => `${type} ${id}`);
        const failed = new Set(lab.log.match(/simulated fault: create of \S+ \S+/g));
        console.log(`      ${stackName}: ${failed.size} creations failed once, in ${attempts} attempts`);
        expect(failed.size).to.equal(created.length);
        const { code: second, output } = await lab.follow("retry");
        expect(second, output).to.equal(0);
        expect(output).not.to.match(/\d+ (created|updated|replaced|deleted)/);
        expect(lab.account.resources.map(({ type, id }) => `${type} ${id}`)).to.deep.equal(created);
      } finally {
        lab.close();
      }
    });
  }

  for (const stackName of ["staging", "prod"]) {
    it(`converge at once if any single creation of ${stackName} fails once`, async () => {
      const planned = await plannedCreations(stackName);
      for (const creation of chosen(planned, ALONE))
        await convergesAfterFailureOf(creation, stackName, planned);
    });
  }

  it("converge at once if a single creation fails once @short", async () => {
    const planned = await plannedCreations("staging");
    for (const creation of chosen(planned, 1)) await convergesAfterFailureOf(creation, "staging", planned);
  });

  it("go on with resources that were created and did not become ready", async () => {
    const lab = await Lab.open("staging");
    const slow: Record<string, string> = {
      database: "aws:rds/instance:Instance",
      "enketo-main": "aws:elasticache/replicationGroup:ReplicationGroup",
      web: "aws:elasticbeanstalk/environment:Environment",
    };
    const ids: Record<string, string> = {};
    try {
      lab.faults(
        ...Object.entries(slow).map(
          ([name, type]) => ({ operation: "create", type, name, action: "initFail" }) as const,
        ),
      );
      // An update stops at its first failure, and web waits for the database: one update cannot meet all three faults.
      let broken: string[] = [];
      let ran = await lab.follow("retry");
      while (ran.code !== 0 && Object.keys(ids).length < 3) {
        const failed = ((await lab.state()).resources ?? []).filter(
          ({ initErrors = [] }) => initErrors.length > 0,
        );
        const names = failed.map(({ urn }) => urn.split("::").at(-1) ?? "");
        expect(names, ran.output).not.to.deep.equal([]);
        // A resource that did not become ready in the last update is updated in this one and does not fail again.
        expect(names.filter((name) => broken.includes(name))).to.deep.equal([]);
        for (const [index, name] of names.entries()) {
          const { type = "", id = "", initErrors = [] } = failed[index] ?? {};
          const reason = `simulated fault: ${type} ${name} did not become ready`;
          expect(slow[name]).to.equal(type);
          expect(ran.output).to.include(reason).and.not.include("panic");
          expect(initErrors.join()).to.include(reason);
          expect(lab.account.find(type, id)?.id).to.equal(id);
          ids[name] = id;
        }
        expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
        broken = names;
        ran = await lab.follow("retry");
        const updated = broken.map((name) => `update ${slow[name] ?? ""} ${name}`);
        const [operations = []] = ran.operations;
        expect(operations).to.include.members(updated);
        expect(operations.filter((operation) => !/^(create|read|update) /.test(operation))).to.deep.equal([]);
      }
      expect(ran.code, ran.output).to.equal(0);
      expect(Object.keys(ids)).to.have.members(Object.keys(slow));
      for (const [name, type] of Object.entries(slow)) {
        expect(
          lab.account.ofType(type).map(({ id }) => id),
          type,
        ).to.include(ids[name]);
      }
      expect(Object.values(slow).map((type) => lab.account.ofType(type).length)).to.deep.equal([1, 2, 3]);
      expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
      const complete = (await lab.state()).resources ?? [];
      expect(complete.filter(({ initErrors = [] }) => initErrors.length > 0)).to.deep.equal([]);
      const web = complete.find(({ id }) => id === ids.web);
      expect(web?.outputs.loadBalancers, "read since").to.have.length(1);
      const again = await lab.follow("retry");
      expect(again.operations).to.deep.equal([[]]);
    } finally {
      lab.close();
    }
  });

  it("name CloudFront where the account blocks public access to S3, and succeed with it", async () => {
    const lab = await Lab.open("staging");
    try {
      await lab.byHand((account) => {
        const inputs = { blockPublicPolicy: true };
        account.put({
          type: "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
          id: "123456789012",
          inputs,
          state: inputs,
        });
      });
      const { code, output } = await lab.follow("retry");
      expect(code, output).not.to.equal(0);
      expect(output).to.include("AccessDenied: public policies are blocked on example-iaso-staging-static");
      expect(output).to.include("static files need CloudFront: npm run doctor -- staging shows it");

      await lab.set("cloudFront", "true");
      await lab.set("staticHost", "static-staging.example.org");
      const ran = await lab.follow("retry");
      expect(ran.code, ran.output).to.equal(0);
    } finally {
      lab.close();
    }
  });

  it("converge by the runbook though the answer to a creation was lost, with the provider", async () => {
    const lab = await Lab.open("staging");
    const bucket = "aws:s3/bucket:Bucket";
    try {
      lab.faults({ operation: "create", type: bucket, name: "media", action: "die", phase: "after" });
      // One at a time: other creations in progress would be lost too.
      const died = await lab.run(
        testedCommands("setup") + testedCommands("retry").replace("--yes", "--yes --parallel 1"),
      );
      expect(died.code, died.output).not.to.equal(0);
      lab.faults();
      await lab.byHand(() => undefined);
      const { orphaned, missing } = await lab.strays();
      expect(missing).to.deep.equal([]);
      expect(orphaned).to.deep.equal([`${bucket} example-iaso-staging-media`]);
      const again = await lab.follow("retry");
      expect(again.code).not.to.equal(0);
      expect(again.output).to.include("BucketAlreadyOwnedByYou");

      const { output: urns } = await lab.run('pulumi stack --stack "$STACK" --show-urns');
      const adopted = await lab.follow("adopt", {
        TYPE: bucket,
        NAME: "media",
        ID: "example-iaso-staging-media",
        PARENT: /urn:\S+MediaBucket::media/.exec(urns)?.[0] ?? "",
        PROVIDER: /urn:\S+pulumi:providers:aws::aws/.exec(urns)?.[0] ?? "",
      });
      expect(adopted.code, adopted.output).to.equal(0);
      expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
      const media = (await lab.state()).resources?.filter(({ urn }) => urn.endsWith("Bucket::media"));
      expect(media?.map(({ id, protect }) => [id, protect])).to.deep.include([
        "example-iaso-staging-media",
        true,
      ]);
      const { operations } = await lab.follow("retry");
      expect(operations).to.deep.equal([[]]);
    } finally {
      lab.close();
    }
  });
});

/** The resources that the first update of a stack creates in AWS, as "TYPE NAME". */
async function plannedCreations(stackName: string): Promise<string[]> {
  const lab = await Lab.open(stackName);
  try {
    const [preview = ""] = lab.commands("deploy");
    const { operations } = await lab.run(preview);
    return (operations[0] ?? [])
      .filter((operation) => operation.startsWith("create aws:"))
      .map((operation) => operation.slice("create ".length));
  } finally {
    lab.close();
  }
}

/** Creations chosen at random. */
function chosen(planned: string[], length: number): string[] {
  const some = fc.shuffledSubarray(planned, { minLength: length, maxLength: length });
  return fc.sample(some, { numRuns: 1, seed: printedSeed() }).flat();
}

/** @param creation The one that fails, "TYPE NAME", in an account of its own. */
async function convergesAfterFailureOf(
  creation: string,
  stackName: string,
  planned: string[],
): Promise<void> {
  console.log(`      ${creation}`);
  const [type = "", name = ""] = creation.split(" ");
  const lab = await Lab.open(stackName);
  try {
    lab.faults({ operation: "create", type, name, action: "fail" });
    const failed = await lab.follow("retry");
    expect(failed.code, failed.output).not.to.equal(0);
    expect(failed.output).to.include(`simulated fault: create of ${creation}`).and.not.include("panic");
    expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });

    const { code, output } = await lab.follow("retry");
    expect(code, output).to.equal(0);
    expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
    const made = ((await lab.state()).resources ?? []).filter(
      (resource) => resource.custom && resource.type.startsWith("aws:"),
    );
    expect(
      made.map((resource) => `${resource.type} ${resource.urn.split("::").at(-1) ?? ""}`),
    ).to.have.members(planned);
    const { operations } = await lab.follow("retry");
    expect(operations).to.deep.equal([[]]);
  } finally {
    lab.close();
  }
}
