import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { platformVersionOf } from "../../policies/facts/platformBranches";
import { SOLUTION_STACKS } from "../../simulated-aws/elasticbeanstalk";
import { Naming } from "../../components/common/naming";
import { upStatements } from "../../components/iam/ci/up";
import { upServiceStatements } from "../../components/iam/ci/upServices";
import { ACCOUNT, REGION, Role } from "../authorization";
import { onResourceOf } from "../ownResources";
import { listen } from "../http";

type Params = Map<string, string>;
type Fault = "throttle" | "error" | "silence" | "lost-answer";

interface Instance {
  id: string;
  imageId: string;
  state: "running" | "shutting-down" | "terminated";
  tags: Params;
  launched: string;
  groupId: string;
  /** What was asked for; a token repeated with something else is an error. */
  request: string;
  token: string;
  looks: number;
  /** How often it was looked at while it was shutting down. */
  ending: number;
}

interface Image {
  id: string;
  name: string;
  state: "pending" | "available" | "failed" | "disabled";
  tags: Params;
  snapshotId: string;
  instanceId: string;
  created: string;
  looks: number;
  /** The other accounts that may start it. */
  sharedWith: Set<string>;
}

interface SnapshotDouble {
  id: string;
  tags: Params;
  /** The KMS key of its encryption; undefined for the default key of EBS. */
  key?: string;
  /** The other accounts that may read it. */
  sharedWith: Set<string>;
}

/** The role that builds images: `pulumi up` runs the tool. A test compares its statements with the preview's. */
function upRole(env: string): Role {
  const naming = new Naming({ organization: "example", env, accountId: ACCOUNT, region: REGION });
  return new Role([...upStatements(naming), ...upServiceStatements(naming, []).network]);
}

/** The calls of EC2 and Elastic Beanstalk that `ami/` makes, over HTTP on 127.0.0.1. Each describe call advances time. */
export class Ec2Double {
  readonly instances = new Map<string, Instance>();
  readonly images = new Map<string, Image>();
  readonly snapshots = new Map<string, SnapshotDouble>();
  readonly groups = new Map<string, { id: string; name: string; vpcId: string; tags: Params }>();
  readonly launchTemplateImages: string[] = [];
  readonly environmentImages = new Map<string, string>();
  readonly calls: string[] = [];
  readonly runRequests: Params[] = [];
  /** The role of the tool. EC2 refuses what the role's policies do not allow. */
  role = upRole("staging");
  /** The environment whose role it is. */
  private env = "staging";
  /** What the builder prints, one line more at each look. */
  console = [
    "kernel: hello",
    "IASO-AMI 1 step 1/2 geos start",
    "IASO-AMI 2 step 1/2 geos done 3s",
    "IASO-AMI 3 ready",
  ];
  /** The fault at the call with this number, counted over all calls, or at `times` calls from that one on. */
  fault: { at: number; times?: number; kind: Fault } | undefined;
  /** The solution stacks that Beanstalk offers to the account. */
  solutionStacks: readonly string[] = SOLUTION_STACKS;
  /** For how many looks a new instance or image cannot be seen, as in EC2, which is consistent only in the end. */
  lag = 0;
  /** For how many looks an instance shuts down. */
  endsAfter = 5;
  /** For how many looks an image is being made. */
  imageLooks = 3;
  /** How many images yet to be made end as failed. */
  failingImages = 0;
  /** Zones, by their subnets, in which no builder can start. */
  readonly fullSubnets: string[] = [];
  /** Called before each answer, with the number of the call. */
  onCall: (number: number, action: string) => void = () => undefined;
  /** Other accounts of the region. */
  readonly neighbours: Ec2Double[] = [];
  /** The KMS keys of other accounts with which this one may decrypt. */
  readonly usableKeys = new Set<string>();
  private server: Server | undefined;
  private nextId = 1;

  constructor(readonly account = ACCOUNT) {}

  async start(): Promise<string> {
    this.server = createServer((request, response) => {
      void this.handle(request, response);
    });
    return `http://127.0.0.1:${await listen(this.server)}`;
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  get runningBuilders(): string[] {
    return [...this.instances.values()].filter(({ state }) => state === "running").map(({ id }) => id);
  }

  /** Snapshots that no image has. */
  get orphanSnapshots(): string[] {
    const used = new Set([...this.images.values()].map(({ snapshotId }) => snapshotId));
    return [...this.snapshots.keys()].filter((id) => !used.has(id));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const params: Params = new Map(new URLSearchParams(body));
    const action = params.get("Action") ?? "";
    const number = this.calls.push(action);
    this.onCall(number, action);
    const { at = 0, times = 1, kind } = this.fault ?? {};
    const fault = number >= at && number < at + times ? kind : undefined;
    const send = (status: number, xml: string) => {
      response.writeHead(status, { "content-type": "text/xml" }).end(xml);
    };
    if (fault === "throttle") send(503, errorXml("RequestLimitExceeded", "Request limit exceeded."));
    else if (fault === "error") send(403, errorXml("UnauthorizedOperation", "You are not authorized."));
    else if (fault === "silence") return;
    else {
      const [status, xml] = this.answer(action, params);
      if (fault === "lost-answer") response.destroy();
      else send(status, xml);
    }
  }

  /** Lets the role of another environment run the tool from now on. */
  runAs(env: string): void {
    this.env = env;
    this.role = upRole(env);
  }

  private answer(action: string, params: Params): [number, string] {
    try {
      const ebs = params.get("Version") === "2010-12-01";
      // The environment's own tags: the tests of the role refuse it the resources of others.
      const target = { env: this.env, record: "", balancer: "" };
      const needed = onResourceOf(target, `${ebs ? "elasticbeanstalk" : "ec2"}:${action}`);
      if (!this.role.allows(needed)) throw new Error(`UnauthorizedOperation|${needed.action} is not allowed`);
      const inner = this.perform(action, params);
      return [
        200,
        ebs
          ? `<${action}Response xmlns="http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"><${action}Result>${inner}</${action}Result></${action}Response>`
          : `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${inner}</${action}Response>`,
      ];
    } catch (error) {
      const [code = "", message = ""] = (error as Error).message.split("|");
      return [400, errorXml(code, message)];
    }
  }

  private requirePlatform(arn: string): void {
    const isOffered = this.solutionStacks.some((name) =>
      isDeepStrictEqual(platformVersionOf(name), platformVersionOf(arn)),
    );
    if (!isOffered) throw new Error(`InvalidParameterValue|No Platform named '${arn}' found.`);
  }

  private perform(action: string, params: Params): string {
    switch (action) {
      case "DescribePlatformVersion":
        this.requirePlatform(params.get("PlatformArn") ?? "");
        return `<PlatformDescription><CustomAmiList><member><VirtualizationType>hvm</VirtualizationType><ImageId>ami-0000000000000ba5e</ImageId></member></CustomAmiList></PlatformDescription>`;
      case "ListAvailableSolutionStacks":
        return `<SolutionStacks>${this.solutionStacks.map((name) => `<member>${name}</member>`).join("")}</SolutionStacks>`;
      case "ListPlatformBranches":
        return `<PlatformBranchSummaryList><member><LifecycleState>Supported</LifecycleState></member></PlatformBranchSummaryList>`;
      case "DescribeEnvironments":
        return `<Environments>${[...this.environmentImages.keys()].map((name) => `<member><ApplicationName>iaso</ApplicationName><EnvironmentName>${name}</EnvironmentName><Status>Ready</Status></member>`).join("")}</Environments>`;
      case "DescribeConfigurationSettings":
        return `<ConfigurationSettings><member><OptionSettings><member><OptionName>ImageId</OptionName><Value>${this.environmentImages.get(params.get("EnvironmentName") ?? "") ?? ""}</Value></member></OptionSettings></member></ConfigurationSettings>`;
      case "DescribeImages":
        return this.describeImages(params);
      case "DescribeInstances": {
        const found = [...this.instances.values()].filter(
          (i) => matches(i.tags, params, { "instance-state-name": i.state }) && ++i.looks > this.lag,
        );
        const xml = set(
          "reservationSet",
          found.map((i) => `<instancesSet><item>${instanceXml(i)}</item></instancesSet>`),
        );
        for (const i of found)
          if (i.state === "shutting-down" && ++i.ending > this.endsAfter) i.state = "terminated";
        return xml;
      }
      case "DescribeLaunchTemplateVersions":
        return set(
          "launchTemplateVersionSet",
          this.launchTemplateImages.map(
            (id) =>
              `<launchTemplateName>lt</launchTemplateName><launchTemplateData><imageId>${id}</imageId></launchTemplateData>`,
          ),
        );
      case "DescribeSubnets":
        return set("subnetSet", [
          "<subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>",
          "<subnetId>subnet-2</subnetId><vpcId>vpc-1</vpcId>",
        ]);
      case "DescribeSecurityGroups":
        return set(
          "securityGroupInfo",
          [...this.groups.values()]
            .filter(({ tags }) => matches(tags, params))
            .map((g) => `<groupId>${g.id}</groupId><groupName>${g.name}</groupName>${tagXml(g.tags)}`),
        );
      case "CreateSecurityGroup": {
        const name = params.get("GroupName") ?? "";
        if ([...this.groups.values()].some((group) => group.name === name))
          throw new Error("InvalidGroup.Duplicate|exists");
        const group = { id: this.id("sg"), name, vpcId: params.get("VpcId") ?? "", tags: tagsOf(params, 1) };
        this.groups.set(group.id, group);
        return `<groupId>${group.id}</groupId>`;
      }
      case "DeleteSecurityGroup":
        if (
          [...this.instances.values()].some(
            ({ state, groupId }) => state !== "terminated" && groupId === params.get("GroupId"),
          )
        )
          throw new Error("DependencyViolation|in use");
        if (!this.groups.delete(params.get("GroupId") ?? "")) throw new Error("InvalidGroup.NotFound|gone");
        return "<return>true</return>";
      case "RunInstances":
        return this.runInstances(params);
      case "GetConsoleOutput": {
        const instance = this.instances.get(params.get("InstanceId") ?? "");
        if (!instance || instance.looks < this.lag) throw new Error("InvalidInstanceID.NotFound|none such");
        const lines = this.console.slice(0, instance.looks);
        return `<output>${Buffer.from(lines.map((line) => `${line}\r\n`).join("")).toString("base64")}</output>`;
      }
      case "CreateTags": {
        const instance = this.instances.get(params.get("ResourceId.1") ?? "");
        if (!instance) throw new Error("InvalidInstanceID.NotFound|no such instance");
        for (const [key, value] of numberedTags(params, "Tag")) instance.tags.set(key, value);
        return "<return>true</return>";
      }
      case "CreateImage":
        return this.createImage(params);
      case "CopyImage":
        return this.copyImage(params);
      case "ModifyImageAttribute":
        this.image(params).sharedWith.add(params.get("LaunchPermission.Add.1.UserId") ?? "");
        return "<return>true</return>";
      case "ModifySnapshotAttribute": {
        const snapshot = this.snapshots.get(params.get("SnapshotId") ?? "");
        if (!snapshot) throw new Error("InvalidSnapshot.NotFound|none such");
        if (snapshot.key === undefined)
          throw new Error("OperationNotPermitted|Encrypted snapshots with EBS default key cannot be shared");
        snapshot.sharedWith.add(params.get("UserId.1") ?? "");
        return "<return>true</return>";
      }
      case "TerminateInstances": {
        const instance = this.instances.get(params.get("InstanceId.1") ?? "");
        if (!instance) throw new Error("InvalidInstanceID.NotFound|no such instance");
        this.end(instance);
        return "<instancesSet/>";
      }
      case "DescribeSnapshots":
        return set(
          "snapshotSet",
          [...this.snapshots.values()]
            .filter(({ tags }) => matches(tags, params))
            .map(({ id, tags }) => `<snapshotId>${id}</snapshotId>${tagXml(tags)}`),
        );
      case "DeregisterImage":
        if (!this.images.delete(params.get("ImageId") ?? ""))
          throw new Error("InvalidAMIID.Unavailable|gone");
        return "<return>true</return>";
      case "DeleteSnapshot":
        if (!this.snapshots.delete(params.get("SnapshotId") ?? ""))
          throw new Error("InvalidSnapshot.NotFound|gone");
        return "<return>true</return>";
      default:
        throw new Error(`InvalidAction|the double does not know ${action}`);
    }
  }

  private describeImages(params: Params): string {
    if (params.get("ImageId.1") === "ami-0000000000000ba5e") {
      return set("imagesSet", [
        "<imageId>ami-0000000000000ba5e</imageId><architecture>x86_64</architecture><rootDeviceName>/dev/xvda</rootDeviceName><name>aws-elasticbeanstalk-amzn-2023.6.20250203.64bit-eb_python39</name>",
      ]);
    }
    const asked = params.get("IncludeDisabled") === "true";
    const found = [...this.images.values()].filter(
      (i) =>
        (asked || i.state !== "disabled") &&
        matches(i.tags, params, { "image-id": i.id, name: i.name }) &&
        ++i.looks > this.lag,
    );
    for (const image of found) {
      if (image.state === "pending" && image.looks > this.lag + this.imageLooks)
        image.state = this.failingImages-- > 0 ? "failed" : "available";
    }
    return set(
      "imagesSet",
      found.map((image) => {
        // A pending image does not name its snapshots yet.
        const snapshot =
          image.state !== "pending"
            ? `<blockDeviceMapping><item><ebs><snapshotId>${image.snapshotId}</snapshotId></ebs></item></blockDeviceMapping>`
            : "";
        return `<imageId>${image.id}</imageId><imageState>${image.state}</imageState><creationDate>${image.created}</creationDate>${snapshot}${tagXml(image.tags)}`;
      }),
    );
  }

  private runInstances(params: Params): string {
    this.runRequests.push(params);
    const token = params.get("ClientToken") ?? "";
    const request = JSON.stringify([...params]);
    const subnet = params.get("NetworkInterface.1.SubnetId") ?? "";
    if (this.fullSubnets.includes(subnet)) throw new Error("InsufficientInstanceCapacity|no room here");
    let instance = [...this.instances.values()].find((i) => i.token === token);
    if (instance && instance.request !== request)
      throw new Error("IdempotentParameterMismatch|another request with this token");
    if (!instance) {
      instance = {
        id: this.id("i"),
        imageId: params.get("ImageId") ?? "",
        state: "running",
        tags: tagsOf(params, 1),
        launched: new Date(Math.floor(Date.now() / 1000) * 1000).toISOString(),
        groupId: params.get("NetworkInterface.1.SecurityGroupId.1") ?? "",
        request,
        token,
        ending: 0,
        looks: 0,
      };
      this.instances.set(instance.id, instance);
    }
    return set("instancesSet", [instanceXml(instance)]);
  }

  private createImage(params: Params): string {
    return this.newImage(params, params.get("InstanceId") ?? "");
  }

  /** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html */
  private copyImage(params: Params): string {
    const id = params.get("SourceImageId") ?? "";
    const owner = [this, ...this.neighbours].find(({ images }) => images.has(id));
    const original = owner?.images.get(id);
    const isVisible = owner === this || original?.sharedWith.has(this.account) === true;
    if (owner === undefined || original === undefined || !isVisible)
      throw new Error(`InvalidAMIID.NotFound|The image id '[${id}]' does not exist`);
    if (original.state !== "available") throw new Error("InvalidAMIID.Unavailable|not available");
    const { key, sharedWith } = owner.snapshots.get(original.snapshotId)!;
    if (owner !== this && !sharedWith.has(this.account))
      throw new Error("InvalidRequest|You do not have permission to access the storage of this ami");
    const isReadable = owner === this || (key !== undefined && this.usableKeys.has(key));
    return this.newImage(params, "", isReadable ? "pending" : "failed");
  }

  private image(params: Params): Image {
    const image = this.images.get(params.get("ImageId") ?? "");
    if (!image) throw new Error("InvalidAMIID.NotFound|none such");
    return image;
  }

  private newImage(params: Params, instanceId: string, state: Image["state"] = "pending"): string {
    const name = params.get("Name") ?? "";
    if ([...this.images.values()].some((image) => image.name === name))
      throw new Error(`InvalidAMIName.Duplicate|AMI name ${name} is already in use`);
    const id = this.id("snap");
    this.snapshots.set(id, {
      id,
      tags: tagsOf(params, 2),
      key: params.get("KmsKeyId"),
      sharedWith: new Set(),
    });
    const image: Image = {
      id: this.id("ami"),
      name,
      state,
      tags: tagsOf(params, 1),
      snapshotId: id,
      instanceId,
      // One an hour.
      created: new Date(Date.UTC(2026, 0, 1, this.images.size)).toISOString(),
      looks: 0,
      sharedWith: new Set(),
    };
    this.images.set(image.id, image);
    return `<imageId>${image.id}</imageId>`;
  }

  /** Terminates an instance. An image that is being made of it cannot be finished then. */
  end(instance: Instance): void {
    if (instance.state !== "running") return;
    instance.state = "shutting-down";
    for (const image of this.images.values()) {
      if (image.instanceId === instance.id && image.state === "pending") image.state = "failed";
    }
  }

  private id(prefix: string): string {
    return `${prefix}-${(this.nextId++)
      .toString(16)
      .padStart(this.account === ACCOUNT ? 17 : 16, "0")
      .padStart(17, "f")}`;
  }
}

function errorXml(code: string, message: string): string {
  return `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>1</RequestID></Response>`;
}

function set(name: string, items: string[]): string {
  return `<${name}>${items.map((item) => `<item>${item}</item>`).join("")}</${name}>`;
}

function tagXml(tags: Params): string {
  return set(
    "tagSet",
    [...tags].map(([key, value]) => `<key>${key}</key><value>${value}</value>`),
  );
}

function instanceXml({ id, imageId, state, tags, launched }: Instance): string {
  return `<instanceId>${id}</instanceId><launchTime>${launched}</launchTime><imageId>${imageId}</imageId><instanceState><name>${state}</name></instanceState>${state === "running" ? "" : "<stateReason><code>Ended</code><message>It was ended.</message></stateReason>"}${tagXml(tags)}`;
}

function tagsOf(params: Params, specification: number): Params {
  return numberedTags(params, `TagSpecification.${specification}.Tag`);
}

function numberedTags(params: Params, prefix: string): Params {
  const tags: Params = new Map();
  for (let n = 1; params.has(`${prefix}.${n}.Key`); n++)
    tags.set(params.get(`${prefix}.${n}.Key`)!, params.get(`${prefix}.${n}.Value`) ?? "");
  return tags;
}

/** Applies the filters that a request holds: by tags, and by the properties given. */
function matches(tags: Params, params: Params, properties: Record<string, string> = {}): boolean {
  for (let n = 1; params.has(`Filter.${n}.Name`); n++) {
    const name = params.get(`Filter.${n}.Name`)!;
    const actual = name.startsWith("tag:") ? tags.get(name.slice(4)) : properties[name];
    if (actual === undefined && !name.startsWith("tag:")) throw new Error(`InvalidParameterValue|${name}`);
    const values = [...params]
      .filter(([key]) => key.startsWith(`Filter.${n}.Value.`))
      .map(([, value]) => value);
    if (!values.includes(actual ?? "")) return false;
  }
  return true;
}
