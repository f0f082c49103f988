import { expect } from "chai";
import fc from "fast-check";
import { mapParallel } from "../../deploy/mapParallel";

describe("deploy/mapParallel", () => {
  it("runs no more at a time than it may, and keeps the order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 5 }), async (items, parallel) => {
        let running = 0;
        let most = 0;
        const results = await mapParallel(items, parallel, async (item) => {
          most = Math.max(most, (running += 1));
          for (let i = 0; i < item; i += 1) await Promise.resolve();
          running -= 1;
          return item * 2;
        });
        expect(results).to.deep.equal(items.map((item) => item * 2));
        expect(most).to.be.at.most(parallel);
      }),
    );
  });
});
