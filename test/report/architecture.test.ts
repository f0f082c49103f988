import { expect } from "chai";
import fc from "fast-check";
import { PreviewDocument, PreviewResource, Properties } from "../../graph/document";
import { allFrames, Architecture, architectureOf } from "../../report/architecture";
import { describeFlows } from "../../report/drawing/drawing";
import { previewOf, previewWith } from "../support";
import { resource } from "./documents";

const titles = ({ boxes }: Architecture) => boxes.map(({ title }) => title).sort();

/** Every URN of a drawing, as often as it has a place there. */
const drawn = ({ boxes, cloud }: Architecture) =>
  [
    ...boxes.flatMap(({ urns, accessories }) => [...urns, ...accessories]),
    ...allFrames(cloud).flatMap(({ accessories }) => accessories),
  ].sort();

const urnsOf = ({ resources }: PreviewDocument) => resources.map(({ urn }) => urn).sort();

function without(document: PreviewDocument, ...types: string[]): PreviewDocument {
  return { ...document, resources: document.resources.filter(({ type }) => !types.includes(type)) };
}

describe("report/architecture", () => {
  for (const stack of ["staging", "prod"]) {
    it(`gives each resource of ${stack} one place`, async () => {
      const document = await previewOf(stack);
      expect(drawn(architectureOf(document))).to.deep.equal(urnsOf(document));
    });
  }

  it("draws every part of prod", async () => {
    expect(titles(architectureOf(await previewOf("prod")))).to.deep.equal([
      "Alarms",
      "Artifacts bucket",
      "Backup copy vault",
      "Backup vault",
      "Beanstalk service",
      "CI access",
      "Certificates",
      "CloudFront",
      "DNS",
      "Database",
      "Encryption key",
      "Enketo",
      "Enketo cache",
      "Enketo load balancer",
      "Enketo main",
      "GDAL image",
      "GitHub Actions",
      "Logs bucket",
      "Mailgun",
      "Media bucket",
      "NAT",
      "Operators",
      "People",
      "Permissions boundary",
      "Secrets",
      "Sentry",
      "Static bucket",
      "Tasks",
      "Tasks dead letters",
      "Web",
      "Web load balancer",
      "Worker",
    ]);
  });

  it("names the web ACL on the way to Iaso, and only there", async () => {
    const flows = describeFlows(architectureOf(await previewWith({ "iaso:webAcl": "count" })));
    expect(flows.filter((flow) => flow.startsWith("HTTPS"))).to.have.members([
      "HTTPS: from People to Enketo load balancer.",
      "HTTPS, filtered by WAF: from People to Web load balancer.",
    ]);
  });

  it("describes the flows between the parts of prod, and shared flows of web and worker once", async () => {
    expect(describeFlows(architectureOf(await previewOf("prod"))).sort()).to.deep.equal([
      "DNS: from People to DNS.",
      "HTTPS: from People to Enketo load balancer.",
      "HTTPS: from People to Web load balancer.",
      "OpenID Connect: from GitHub Actions to CI access.",
      "SQL: from Web and Worker (deployed together) to Database.",
      "access logs: from Media bucket to Logs bucket.",
      "alarms: from Alarms to Operators.",
      "backups: from Database to Backup vault.",
      "backups: from Media bucket to Backup vault.",
      "copies: from Backup vault to Backup copy vault.",
      "errors: from Web and Worker (deployed together) to Sentry.",
      "failed tasks: from Tasks to Tasks dead letters.",
      "form data: from Enketo to Enketo cache.",
      "form data: from Enketo to Enketo main.",
      "forms: from Enketo to Web.",
      "forms: from Web and Worker (deployed together) to Enketo.",
      "image: from GDAL image to Web and Worker (deployed together).",
      "mail: from Web and Worker (deployed together) to Mailgun.",
      "media, signed links: from People to Media bucket.",
      "media: from Web and Worker (deployed together) to Media bucket.",
      "requests: from Enketo load balancer to Enketo.",
      "requests: from Web load balancer to Web.",
      "static files: from CloudFront to Static bucket.",
      "static files: from People to CloudFront.",
      "tasks: from Tasks to Worker.",
      "tasks: from Web to Tasks.",
      "versions: from Artifacts bucket to Web and Worker (deployed together).",
      "versions: from CI access to Artifacts bucket.",
    ]);
  });

  it("shows the images of the Docker platform on their way from deployments to Iaso, and no Enketo", async () => {
    const flows = describeFlows(architectureOf(await previewWith({ "iaso:platform": "docker" })));
    expect(flows.filter((flow) => flow.startsWith("image"))).to.have.members([
      "images: from CI access to Images.",
      "images: from Images to Web and Worker (deployed together).",
    ]);
  });

  it("draws people's requests to the static bucket without CloudFront", async () => {
    const flows = describeFlows(architectureOf(await previewOf("staging")));
    expect(flows).to.include("static files: from People to Static bucket.");
  });

  it("frames the pair within the private subnets, and these within the network", async () => {
    const { cloud, boxes } = architectureOf(await previewOf("staging"));
    const network = cloud.frames.find(({ kind }) => kind === "network");
    const privateSubnets = network?.frames.find(({ title }) => title === "Private subnets");
    const [pair] = privateSubnets?.frames ?? [];
    const title = (id: string) => boxes.find((box) => box.id === id)?.title;
    expect([network?.title, pair?.kind, pair?.boxes.map(title)]).to.deep.equal([
      "Network 10.20.0.0/16",
      "pair",
      ["Web", "Worker"],
    ]);
    expect(privateSubnets?.boxes.map(title)).to.have.members([
      "Database",
      "Enketo",
      "Enketo main",
      "Enketo cache",
    ]);
  });

  it("draws no arrow that no setting gives reason for", async () => {
    const document = await previewOf("prod");
    const silent = document.resources.map((resource) =>
      resource.type === "aws:elasticbeanstalk/environment:Environment"
        ? {
            ...resource,
            inputs: {
              ...resource.inputs,
              settings: (resource.inputs.settings as { name: string }[]).filter(
                ({ name }) => !["RDS_HOSTNAME", "EMAIL_HOST", "AWS_STORAGE_BUCKET_NAME"].includes(name),
              ),
            },
          }
        : resource,
    );
    const architecture = architectureOf({ ...document, resources: silent });
    expect(titles(architecture)).not.to.include("Mailgun");
    const flows = describeFlows(architecture).join(" ");
    expect(flows).not.to.match(/SQL|mail:|media: from Web/);
    expect(flows).to.include("errors: from Web and Worker (deployed together) to Sentry.");
  });

  it("omits missing parts: a custom image, a new network", async () => {
    const document = without(
      await previewOf("staging"),
      "command:local:Command",
      "aws:ec2/vpc:Vpc",
      "aws:ec2/natGateway:NatGateway",
    );
    const architecture = architectureOf(document);
    expect(titles(architecture)).not.to.include.members(["GDAL image"]).and.not.to.include("NAT");
    expect(allFrames(architecture.cloud).map(({ title }) => title)).to.include("Existing network");
    expect(drawn(architecture)).to.deep.equal(urnsOf(document));
  });

  it("gives an unknown part a separate box", async () => {
    const document = await previewOf("staging");
    const [stack] = document.resources as [PreviewResource];
    const component = {
      ...stack,
      urn: "urn:new",
      type: "iaso:index:Search",
      name: "full-search",
      parent: stack.urn,
    };
    const domain = {
      ...component,
      urn: "urn:new:domain",
      type: "aws:opensearch/domain:Domain",
      custom: true,
      parent: component.urn,
    };
    const { boxes } = architectureOf({ ...document, resources: [...document.resources, component, domain] });
    expect(boxes.find(({ title }) => title === "Full search")?.urns).to.deep.equal([
      "urn:new",
      "urn:new:domain",
    ]);
  });

  it("accepts any resources and gives each exactly one place", () => {
    const types = [
      "pulumi:pulumi:Stack",
      "iaso:index:Part",
      "aws:s3/bucket:Bucket",
      "aws:sqs/queue:Queue",
      "aws:rds/instance:Instance",
      "aws:elasticbeanstalk/environment:Environment",
      "aws:ssm/parameter:Parameter",
      "aws:iam/role:Role",
      "aws:ec2/vpc:Vpc",
      "aws:lb/listener:Listener",
    ];
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom("[secret]", "[unknown]", "Worker", "static"));
    const property = fc.constantFrom(
      "settings",
      "tags",
      "tier",
      "application",
      "redrivePolicy",
      "bucket",
      "type",
    );
    const inputs = fc.dictionary(property, value);
    const draft = fc.record({
      type: fc.constantFrom(...types),
      name: fc.string(),
      parent: fc.nat({ max: 12 }),
      inputs,
      outputs: inputs,
    });
    fc.assert(
      fc.property(fc.uniqueArray(draft, { maxLength: 12, selector: ({ name }) => name }), (drafts) => {
        const resources = drafts.map(({ type, name, parent, inputs, outputs }, index) =>
          resource(type, name, inputs as Properties, {
            urn: `urn:${index}:${name}`,
            // A parent comes before its children.
            parent: parent < index ? `urn:${parent}:${drafts[parent]?.name ?? ""}` : "",
            custom: !type.startsWith("iaso:"),
            outputs: outputs as Properties,
          }),
        );
        const document = { project: "p", stack: "s", resources } as unknown as PreviewDocument;
        expect(drawn(architectureOf(document))).to.deep.equal(urnsOf(document));
      }),
    );
  });
});
