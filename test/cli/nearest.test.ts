import { expect } from "chai";
import { didYouMean, nearest } from "../../cli/nearest";

describe("cli/nearest", () => {
  it("suggests the word closest to a typo", () => {
    expect(nearest("stagign", ["prod", "staging"])).to.equal("staging");
    expect(nearest("stauts", ["status", "rollback", "repair"])).to.equal("status");
    expect(nearest("webminsize", ["webMaxSize", "webMinSize"])).to.equal("webMinSize");
    expect(nearest("t4g.xlarge", ["c4.xlarge", "t3.xlarge"])).to.equal("t3.xlarge");
    expect(nearest("prd", ["staging", "prod"])).to.equal("prod");
    expect(nearest("eu-centrall", ["eu-central-1", "eu-west-1"])).to.equal("eu-central-1");
  });

  it("suggests nothing for another word", () => {
    expect(nearest("colour", ["region", "webHost"])).to.equal(undefined);
    expect(nearest("qa", ["prod", "staging"])).to.equal(undefined);
    expect(nearest("x", ["a"])).to.equal(undefined);
    expect(nearest("anything", [])).to.equal(undefined);
  });

  it("does not change the list", () => {
    const words = ["staging", "prod"];
    nearest("prod", words);
    expect(words).to.deep.equal(["staging", "prod"]);
  });

  it("asks in words that can follow a message", () => {
    expect(didYouMean("stagign", ["staging"])).to.equal(" Did you mean staging?");
    expect(didYouMean("qa", ["staging"])).to.equal("");
  });
});
