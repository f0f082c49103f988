import { expect } from "chai";
import fc from "fast-check";
import { printedSeed } from "../seed";
import { Lab } from "./lab";
import { testedCommands } from "./runbook";

/** Types that cannot be imported, as the page says. The first creates nothing in AWS; the second is deleted by hand. */
const LEFT_OUT = [
  "aws:acm/certificateValidation:CertificateValidation",
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
];

/** Number of kills during the first update, and during later changes. */
const KILLS = { creating: 12, changing: 13 };

describe("updates that are killed", () => {
  it("converge by the runbook after 25 kills at random points", async () => {
    const seed = printedSeed();
    const points = (mostChanges: number, numRuns: number) =>
      fc.sample(
        fc.record({
          // Counts changes since the last kill.
          nth: fc.integer({ min: 1, max: mostChanges }),
          phase: fc.constantFrom("before" as const, "after" as const),
          wait: fc.integer({ min: 0, max: 400 }),
        }),
        { numRuns, seed },
      );
    const all = [...points(12, KILLS.creating), ...points(6, KILLS.changing)];
    const lab = await Lab.open("staging");
    try {
      const update = testedCommands("setup") + testedCommands("interrupted-finish");
      for (const [index, { nth, phase, wait }] of all.entries()) {
        if (index === KILLS.creating) {
          const complete = await lab.follow("interrupted-finish");
          expect(complete.code, complete.output).to.equal(0);
        }
        if (index >= KILLS.creating) await changeSix(lab, index);
        const fault = {
          operation: "change" as const,
          nth,
          phase,
          // A hang never ends; the number only makes each fault a new one, with a count of its own.
          milliseconds: index,
          action: "hang" as const,
        };
        const killed = await lab.killDuring(update, fault, wait);
        const where = `kill ${index + 1}: ${killed}`;
        console.log(`      ${where}`);
        expect(killed, lab.log.slice(-2000)).not.to.equal("");

        const unlocked = await lab.follow("interrupted-unlock");
        expect(unlocked.code, `${where}: ${unlocked.output}`).to.equal(0);
        const pending = (await lab.state()).pending_operations ?? [];
        const listed = await lab.follow("interrupted-list");
        expect(listed.code, listed.output).to.equal(0);
        for (const { resource } of pending) expect(listed.output, where).to.include(resource.urn);
        const created = await lab.interruptedCreations();
        const deleted = created.flatMap(({ urn, id }) =>
          LEFT_OUT.filter((type) => urn.includes(`${type}::`)).map((type) => ({ type, urn, id })),
        );
        if (deleted.length > 0) {
          await lab.byHand((account) => {
            for (const { type, id } of deleted) account.remove(type, id);
          });
        }
        const kept = created.filter(({ urn }) => !deleted.some((one) => one.urn === urn));
        if (kept.length > 0) {
          lab.write("created.txt", kept.map(({ urn, id }) => `${urn} ${id}`).join("\n"));
          const imported = await lab.follow("interrupted-import");
          expect(imported.code, imported.output).to.equal(0);
        }
        const cleared = await lab.follow("interrupted-clear");
        expect(cleared.code, cleared.output).to.equal(0);
        expect(await lab.strays(), where).to.deep.equal({ orphaned: [], missing: [] });
        expect((await lab.state()).pending_operations ?? [], where).to.deep.equal([]);
      }
      const finished = await lab.follow("interrupted-finish");
      expect(finished.code, finished.output).to.equal(0);
      const again = await lab.follow("interrupted-finish");
      expect(again.code, again.output).to.equal(0);
      expect(again.output).not.to.match(/\d+ (created|updated|replaced|deleted)/);
      expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
    } finally {
      lab.close();
    }
  });
});

/** Makes six changes: updates of web, worker, Enketo, database, media bucket and an alarm. */
async function changeSix(lab: Lab, index: number): Promise<void> {
  const { account } = lab;
  const has = (type: string, text: string) =>
    account.ofType(type).some(({ inputs }) => JSON.stringify(inputs).includes(text));
  await lab.set("emailFrom", `Iaso <kill-${index}@example.org>`);
  await lab.set("databaseMaxStorage", String(300 + index));
  await lab.set("mediaOldVersionDays", String(100 + index));
  const medium = has("aws:elasticbeanstalk/environment:Environment", '"t3.medium"');
  await lab.set("enketoInstanceType", medium ? "t3.small" : "t3.medium");
  await lab.set("databaseConnectionAlarm", String(200 + index));
}
