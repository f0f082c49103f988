import { expect } from "chai";
import fc from "fast-check";
import { Lab } from "./lab";
import { testedCommands } from "./runbook";

const KILLS = 25;

describe("updates that are killed", () => {
  it(`converge by the runbook after ${KILLS} kills at random points`, async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
    console.log(`      seed ${seed} (SEED=${seed} repeats it)`);
    const points = fc.sample(
      fc.record({
        // Counted in changes from where the kill before has left off.
        nth: fc.integer({ min: 1, max: 5 }),
        phase: fc.constantFrom("before" as const, "after" as const),
        wait: fc.integer({ min: 0, max: 400 }),
      }),
      { numRuns: KILLS, seed },
    );
    const lab = await Lab.open("staging");
    try {
      const update = testedCommands("setup") + testedCommands("interrupted-finish");
      for (const [index, { nth, phase, wait }] of points.entries()) {
        // Once everything is there, something has to change: web, worker and Enketo, and a secret.
        const complete = lab.account.resources.length > 150;
        if (complete) {
          await lab.set("emailFrom", `Iaso <kill-${index}@example.org>`);
          await lab.set("enketoInstanceType", index % 2 === 0 ? "t3.small" : "t3.medium");
        }
        const fault = {
          operation: "change" as const,
          nth,
          phase,
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
        if (created.length > 0) {
          lab.write("created.txt", created.map(({ urn, id }) => `${urn} ${id}`).join("\n"));
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
