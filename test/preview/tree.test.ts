import { expect } from "chai";
import { PreviewDocument, PreviewResource } from "../../graph/document";
import { resource as resourceOf } from "../report/documents";
import { renderOutputs, renderTree, style } from "../../preview/tree";

const plain = style(false);

const resource = (urn: string, parent: string, more: Partial<PreviewResource> = {}): PreviewResource =>
  resourceOf("aws:s3/bucket:Bucket", urn, {}, { urn, parent, ...more });

describe("graph/tree", () => {
  it("draws the tree by parents, with short types and notes on resources", () => {
    const tree = renderTree(
      [
        resource("app", "", { type: "pulumi:pulumi:Stack" }),
        resource("part", "app", { type: "iaso:index:Part" }),
        resource("last", "app", { secretInputs: ["password"] }),
        resource("bucket", "part", { protect: true, retainOnDelete: true }),
      ],
      plain,
    );
    expect(tree.split("\n")).to.deep.equal([
      "+ pulumi:pulumi:Stack  app",
      "+ ├─ iaso:index:Part   part",
      "+ │  └─ aws:s3:Bucket  bucket  (protected, kept on delete)",
      "+ └─ aws:s3:Bucket     last  (secrets)",
    ]);
  });

  it("lists outputs, and the properties of an object below its name", () => {
    const outputs = {
      url: "https://iaso.example.org",
      ciRoles: { up: "arn:up", deploy: "arn:deploy" },
      n: 2,
    };
    expect(renderOutputs({ outputs } as unknown as PreviewDocument, plain).split("\n")).to.deep.equal([
      "  url      https://iaso.example.org",
      "  ciRoles",
      "    up      arn:up",
      "    deploy  arn:deploy",
      "  n        2",
    ]);
  });
});
