import { expect } from "chai";
import fc from "fast-check";
import { isPrivateRange, isWithin } from "../../../policies/facts/ipRanges";
import { printedSeed } from "../../seed";

const toText = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");

describe("IP ranges", () => {
  it("are within each other if the outer one has all addresses of the inner one", () => {
    const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const length = fc.integer({ min: 0, max: 32 });
    fc.assert(
      fc.property(address, length, address, length, fc.boolean(), (a, aLength, b, bLength, near) => {
        // Random addresses are hardly ever in the same range.
        const inner = near ? (b ^ (a & 0xff)) >>> 0 : a;
        const size = 2 ** (32 - bLength);
        const expected = aLength >= bLength && Math.floor(inner / size) === Math.floor(b / size);
        const ranges = [`${toText(inner)}/${String(aLength)}`, `${toText(b)}/${String(bLength)}`] as const;
        expect(isWithin(...ranges), ranges.join(" in ")).to.equal(expected);
      }),
      { numRuns: 2000, seed: printedSeed() },
    );
  });

  it("are private if no address of them is routed on the internet", () => {
    for (const range of ["10.0.0.0/8", "10.1.2.3", "172.31.0.0/16", "192.168.1.0/24", "fd00::/8", "FC00::/7"])
      expect(isPrivateRange(range), range).to.be.true;
    for (const range of [
      "0.0.0.0/0",
      "0.0.0.0/1",
      "10.0.0.0/7",
      "172.32.0.0/16",
      "172.16.0.0/11",
      "192.169.0.0/16",
      "8.8.8.8/32",
      "::/0",
      "2001:db8::/32",
      "::ffff:10.0.0.0/104",
      "10.0.0.0/33",
      "10.0.0.0/x",
      "10.0.0/8",
      "",
    ])
      expect(isPrivateRange(range), range).to.be.false;
  });
});
