import { expect } from "chai";
import fc from "fast-check";
import { planSubnets } from "../../../components/common/cidr";

/** First and last address of a block. */
function range(cidr: string): [number, number] {
  const [address = "", prefix = ""] = cidr.split("/");
  const base = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return [base, base + 2 ** (32 - Number(prefix)) - 1];
}

const vpcBlock = fc.tuple(fc.integer({ min: 16, max: 22 }), fc.nat(2 ** 32 - 1)).map(([prefix, address]) => {
  const size = 2 ** (32 - prefix);
  const base = Math.floor(address / size) * size;
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
});
const zones = fc.integer({ min: 1, max: 4 });

describe("components/common/cidr", () => {
  it("divides a block as the docstring says", () => {
    expect(planSubnets("10.20.0.0/16", 2)).to.deep.equal({
      privateCidrs: ["10.20.0.0/19", "10.20.32.0/19"],
      publicCidrs: ["10.20.128.0/20", "10.20.144.0/20"],
    });
  });

  it("puts every subnet inside the VPC, one of each kind per zone", () => {
    fc.assert(
      fc.property(vpcBlock, zones, (vpc, count) => {
        const { publicCidrs, privateCidrs } = planSubnets(vpc, count);
        expect([publicCidrs.length, privateCidrs.length]).to.deep.equal([count, count]);
        const [first, last] = range(vpc);
        for (const cidr of [...publicCidrs, ...privateCidrs]) {
          const [low, high] = range(cidr);
          expect(low).to.be.at.least(first);
          expect(high).to.be.at.most(last);
          // AWS takes a subnet only if its address is a multiple of its size.
          expect(low % (high - low + 1)).to.equal(0);
          expect(Number(cidr.split("/")[1])).to.be.within(16, 28);
        }
      }),
    );
  });

  it("never returns two subnets that overlap", () => {
    fc.assert(
      fc.property(vpcBlock, zones, (vpc, count) => {
        const { publicCidrs, privateCidrs } = planSubnets(vpc, count);
        const ranges = [...publicCidrs, ...privateCidrs].map(range).sort(([a], [b]) => a - b);
        for (const [index, [low]] of ranges.entries()) {
          if (index > 0) expect(low).to.be.greaterThan(ranges[index - 1]![1]);
        }
      }),
    );
  });

  it("moves no subnet when a zone is added later", () => {
    fc.assert(
      fc.property(vpcBlock, fc.integer({ min: 1, max: 3 }), (vpc, count) => {
        const before = planSubnets(vpc, count);
        const after = planSubnets(vpc, count + 1);
        expect(after.publicCidrs.slice(0, count)).to.deep.equal(before.publicCidrs);
        expect(after.privateCidrs.slice(0, count)).to.deep.equal(before.privateCidrs);
      }),
    );
  });

  it("leaves the last quarter of the block free", () => {
    fc.assert(
      fc.property(vpcBlock, zones, (vpc, count) => {
        const [first, last] = range(vpc);
        const { publicCidrs, privateCidrs } = planSubnets(vpc, count);
        const free = first + ((last - first + 1) * 3) / 4;
        for (const cidr of [...publicCidrs, ...privateCidrs]) expect(range(cidr)[1]).to.be.lessThan(free);
      }),
    );
  });

  it("refuses a malformed block, host bits, and a block that is too small or too large", () => {
    for (const [cidr, reason] of [
      ["10.20.0.0", /not an IPv4 block/],
      ["10.256.0.0/16", /not an IPv4 block/],
      ["10.20.0.0/33", /not an IPv4 block/],
      ["10.20.0/16", /not an IPv4 block/],
      ["010.20.0.0/16", /not an IPv4 block/],
      ["10.20.0.0/016", /not an IPv4 block/],
      ["10.20.0.0/1e1", /not an IPv4 block/],
      ["10.20.0.0/16/16", /not an IPv4 block/],
      ["10.20.0.0/-1", /not an IPv4 block/],
      ["10.20.0.0/1.5", /not an IPv4 block/],
      ["10.20.0.0/", /not an IPv4 block/],
      ["::/16", /not an IPv4 block/],
      ["10.20.1.0/16", /host bits set/],
      ["10.0.0.0/15", /use a block from \/16 to \/24/],
      ["10.20.0.0/25", /use a block from \/16 to \/24/],
    ] as const) {
      expect(() => planSubnets(cidr, 2), cidr).to.throw(reason);
    }
    expect(() => planSubnets("10.20.0.0/24", 2)).not.to.throw();
  });
});
