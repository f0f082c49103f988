import { expect } from "chai";
import { formatDuration, parseDuration } from "../../coordination/clock";

describe("coordination/clock", () => {
  it("reads durations", () => {
    expect(["90s", "15m", "2h", " 5m "].map(parseDuration)).to.deep.equal([
      90_000, 900_000, 7_200_000, 300_000,
    ]);
    expect(["", "15", "m", "1.5h", "15 minutes", "-1s"].map(parseDuration)).to.deep.equal(
      Array(6).fill(undefined),
    );
  });

  it("writes durations", () => {
    expect([45_000, 60_000, 200_000, 3_600_000, 3_900_000].map(formatDuration)).to.deep.equal([
      "45 s",
      "1 min",
      "3 min 20 s",
      "1 h",
      "1 h 5 min",
    ]);
  });
});
