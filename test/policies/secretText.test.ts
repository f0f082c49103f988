import { createHash } from "node:crypto";
import { expect } from "chai";
import { evaluate } from "../../policies/evaluate";
import { Resource } from "../../policies/resource";
import { isRandom, isToken } from "../../policies/secretText";
import { printedSeed } from "../seed";

const COMMIT = "7d44de4c7ee0bcfe6a8d7f4b7e2f2b6a0b6c5d1e";

/** The inputs that `no-secret-in-inputs` reports. */
function reported(type: string, inputs: Record<string, unknown>): string[] {
  const resource: Resource = { urn: `urn:pulumi:x::iaso::${type}::x`, type, name: "x", inputs };
  return evaluate([resource], { config: { all: "disabled", "no-secret-in-inputs": "mandatory" } })
    .violations.filter(({ policy }) => policy === "no-secret-in-inputs")
    .map(({ message }) => /^Input (.*) looks/.exec(message)?.[1] ?? message);
}

describe("recognising secrets in plain text", () => {
  for (const policy of [
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
    "ELBSecurityPolicy-FS-1-2-Res-2020-10",
  ])
    it(`accepts ${policy} as a TLS policy`, () => {
      expect(reported("aws:lb/listener:Listener", { sslPolicy: policy })).to.deep.equal([]);
    });

  it("accepts a git commit in a tag, whatever the tag's name", () => {
    for (const tag of ["commit", "git-sha", "revision", "version", "deployed"])
      expect(reported("aws:sqs/queue:Queue", { tags: { [tag]: COMMIT } }), tag).to.deep.equal([]);
    expect(reported("command:local:Command", { environment: { GIT_COMMIT: COMMIT } })).to.deep.equal([]);
  });

  it("accepts a log group with words and numbers in its name", () => {
    const name = "/aws/elasticbeanstalk/Iaso-Staging-Web/Log2";
    expect(reported("aws:cloudwatch/logGroup:LogGroup", { name })).to.deep.equal([]);
  });

  it("still reports secrets there", () => {
    for (const tags of [
      { token: COMMIT },
      { api_key: "x" },
      { note: "q8ZtR3vX9bN2mK7pL4wY6cJ1" },
      { note: `${COMMIT}${COMMIT.slice(0, 24)}` },
    ])
      expect(reported("aws:sqs/queue:Queue", { tags })).to.deep.equal([`tags: ${Object.keys(tags).join()}`]);
    expect(reported("command:local:Command", { environment: { SETTING: COMMIT } })).to.deep.equal([
      "environment: SETTING",
    ]);
  });

  it("reports generated secrets of every common encoding", () => {
    const seed = printedSeed();
    const bytes = (index: number, length: number) =>
      createHash("sha512")
        .update(`${String(seed)} ${String(index)}`)
        .digest()
        .subarray(0, length);
    for (const [length, encoding] of [
      [16, "hex"],
      [32, "hex"],
      [32, "base64"],
      [32, "base64url"],
      [64, "base64url"],
    ] as const) {
      const secrets = Array.from({ length: 2000 }, (_, index) => bytes(index, length).toString(encoding));
      const found = secrets.filter((secret) => isToken(secret) || isRandom(secret)).length;
      console.log(`      ${String(length)} bytes in ${encoding}: ${String(found)} of 2000`);
      // Some have no digit or too few different characters, and cannot be told from a word.
      expect(found, encoding).to.be.greaterThan(1980);
    }
  });
});
