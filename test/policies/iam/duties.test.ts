import { expect } from "chai";
import data from "../../../policies/facts/duties.json";
import { beyond, Duty, filled } from "../../../policies/iam/duties";
import { statementsOf, strings } from "../../../policies/iam/document";
import { PreviewDocument } from "../../../graph/document";
import { previewOf, previewWith } from "../../support";

const STATEMENT = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::media/a/*" };
const DUTY: Duty = { sid: "", actions: ["s3:Get*"], resources: ["arn:aws:s3:::{media}/*"] };
const judge = (statement: object, duty: Partial<Duty> = {}) =>
  beyond({ ...STATEMENT, ...statement }, filled([{ ...DUTY, ...duty }], { media: ["media"], none: [] }));

describe("duties of roles", () => {
  it("cover fewer actions and resources, more conditions, and nothing else", () => {
    expect(judge({})).to.deep.equal([]);
    expect(judge({ Action: ["S3:getobject*"] })).to.deep.equal([]);
    expect(judge({ Condition: { Bool: { "aws:SecureTransport": "true" } } })).to.deep.equal([]);
    expect(judge({ Effect: "Deny", Action: "*" })).to.deep.equal([]);
    expect(judge({ Action: ["s3:*", "s3:GetObject"] })).to.deep.equal(["s3:* on arn:aws:s3:::media/a/*"]);
    expect(judge({ Resource: ["arn:aws:s3:::m*"] })).to.deep.equal(["s3:GetObject on arn:aws:s3:::m*"]);
    expect(judge({ Resource: "arn:aws:s3:::media?/*" })).to.have.length(1);
    expect(judge({ Action: undefined, NotAction: "s3:Put*" })).to.have.length(1);
  });

  it("demand their conditions, with no other values and no weaker operator", () => {
    const condition = { StringEquals: { "aws:RequestTag/env": ["a", "b"] } };
    expect(
      judge({ Condition: { stringEquals: { "AWS:requesttag/env": "a" } } }, { condition }),
    ).to.deep.equal([]);
    for (const Condition of [
      undefined,
      { StringEqualsIfExists: condition.StringEquals },
      { StringLike: condition.StringEquals },
      { StringEquals: { "aws:RequestTag/env": ["a", "c"] } },
      { StringEquals: { "aws:RequestTag/project": "a" } },
    ])
      expect(judge({ Condition }, { condition }), JSON.stringify(Condition)).to.have.length(1);
  });

  it("cover nothing whose placeholder has no value", () => {
    expect(judge({ Resource: "arn:aws:s3:::/a" }, { resources: ["arn:aws:s3:::{none}/*"] })).to.have.length(
      1,
    );
    const variable = "arn:aws:s3:::x/${aws:PrincipalTag/id}/*";
    expect(judge({ Resource: variable }, { resources: [variable] })).to.deep.equal([]);
  });

  it("have no action that no statement of their name allows in any stack", async () => {
    const documents: PreviewDocument[] = [
      await previewOf("staging"),
      await previewOf("prod"),
      await previewWith({ "iaso:platform": "docker", "iaso:webAcl": "block", "iaso:shellAccess": true }),
      await previewWith({
        "iaso:stateBucket": "example-pulumi-state",
        "iaso:gdalImageId": "ami-0fedcba9876543210",
        "iaso:encryptionKey": "customer",
      }),
    ];
    const inUse = new Set(
      documents
        .flatMap(({ resources }) => resources.map(({ inputs }) => inputs.policy))
        .filter((policy) => typeof policy === "string" && policy.includes('"Statement"'))
        .flatMap((policy) => statementsOf(policy))
        .flatMap(({ Sid, Action }) => strings(Action).map((action) => `${String(Sid)} ${action}`)),
    );
    const { roles, boundaries, buckets, topics } = data as Record<string, unknown>;
    const all = [roles, boundaries, buckets].flatMap((one) => Object.values(one as Record<string, Duty[]>));
    const duties = [...all, topics as Duty[]].flat();
    expect(duties.length).to.be.greaterThan(100);
    const listed = duties.flatMap(({ sid, actions }) => actions.map((action) => `${sid} ${action}`));
    expect(listed.filter((one) => !inUse.has(one))).to.deep.equal([]);
  });
});
