import { expect } from "chai";
import fc from "fast-check";
import { Lab } from "./lab";
import { testedCommands } from "./runbook";

/** More attempts than the longest chain of resources that need one another has links. */
const MOST_ATTEMPTS = 40;

/** How many creations of a stack fail all alone, each in an account of its own. */
const ALONE = 8;

/** The runbook's command, but that it tries all that can be tried, where that ends at the first failure. */
const TRY_ALL =
  testedCommands("setup") + testedCommands("retry").replace("--yes", "--yes --continue-on-error");

describe("updates that fail", () => {
  for (const stackName of ["staging", "prod"]) {
    it(`converge though the creation of every resource of ${stackName} fails once`, async () => {
      const lab = await Lab.open(stackName);
      try {
        // Each attempt makes what failed in the one before, and fails at what could not be tried until now.
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
    it(`converge at once where a single creation of ${stackName} fails once, whichever it is`, async () => {
      const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
      console.log(`      seed ${seed} (SEED=${seed} repeats it)`);
      const planned = await plannedCreations(stackName);
      const [chosen = []] = fc.sample(fc.shuffledSubarray(planned, { minLength: ALONE, maxLength: ALONE }), {
        numRuns: 1,
        seed,
      });
      for (const [type = "", name = ""] of chosen.map((creation) => creation.split(" "))) {
        console.log(`      ${type} ${name}`);
        const lab = await Lab.open(stackName);
        try {
          lab.faults({ operation: "create", type, name, action: "fail" });
          const failed = await lab.follow("retry");
          expect(failed.code, failed.output).not.to.equal(0);
          expect(failed.output)
            .to.include(`simulated fault: create of ${type} ${name}`)
            .and.not.include("panic");
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
    });
  }

  it("converge by the runbook though the answer to a creation was lost, with the provider", async () => {
    const lab = await Lab.open("staging");
    const bucket = "aws:s3/bucket:Bucket";
    try {
      lab.faults({ operation: "create", type: bucket, name: "media", action: "die", phase: "after" });
      const died = await lab.follow("retry");
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

/** What the first update of a stack will make in AWS: "TYPE NAME". */
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
