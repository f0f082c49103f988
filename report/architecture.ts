import { PreviewDocument, PreviewResource } from "../graph/document";
import { Icon } from "./icons";

/** Where a box is drawn, from the people outside to the inner network. */
export type Zone = "outside" | "edge" | "public" | "private" | "services" | "operations";

/** One box of the drawing: one thing that people have a name for. */
export interface Box {
  id: string;
  title: string;
  /** What it is and how much of it, in a line. */
  subtitle: string;
  icon: Icon;
  zone: Zone;
  /** Distance from the people at the top: boxes of one row stand side by side. */
  row: number;
  /** The resources that make the box what it is; none for what is outside of the stack. */
  urns: string[];
  /** What belongs to it: its policies, roles, rules. */
  accessories: string[];
}

/** A frame around boxes, which has resources of its own. */
export interface Frame {
  id: string;
  title: string;
  kind: "cloud" | "network" | "zone" | "pair";
  boxes: string[];
  frames: Frame[];
  accessories: string[];
}

/** What flows from one box, or all boxes of a frame, to another. */
export interface Arrow {
  from: string;
  to: string;
  label: string;
  /** True where it flows both ways. */
  both: boolean;
}

export interface Architecture {
  title: string;
  boxes: Box[];
  /** The outermost frame, with all others in it. */
  cloud: Frame;
  arrows: Arrow[];
}

/** A frame with all frames in it. */
export function allFrames(frame: Frame): Frame[] {
  return [frame, ...frame.frames.flatMap(allFrames)];
}

const ZONES: Record<Exclude<Zone, "outside">, string> = {
  edge: "Edge",
  public: "Public subnets",
  private: "Private subnets",
  services: "Data services",
  operations: "Operations",
};

const ROWS = { people: 0, edge: 1, public: 2, private: 3, data: 4, images: 5, access: 6, others: 7 };

interface Option {
  namespace: string;
  name: string;
  value: string;
}

/** A text or a number as text; nothing for all else. */
const text = (value: unknown) =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

const tag = ({ inputs }: PreviewResource, name: string) =>
  text((inputs.tags as Record<string, unknown> | undefined)?.[name]);

function optionsOf({ inputs }: PreviewResource): Option[] {
  const settings: unknown = inputs.settings;
  const isOption = (one: unknown): one is Option =>
    typeof one === "object" &&
    one !== null &&
    ["namespace", "name", "value"].every((key) => typeof (one as Record<string, unknown>)[key] === "string");
  return Array.isArray(settings) ? (settings as unknown[]).filter(isOption) : [];
}

const count = (many: unknown[], singular: string) =>
  `${many.length} ${singular}${many.length === 1 ? "" : "s"}`;

/** A resource's name as people would say it. */
const words = (name: string) => {
  const spaced = name.replaceAll("-", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

/** True where a setting names a host, a bucket or an address, alone or within an address. */
function names(value: string, name: string): boolean {
  if (name === "") return false;
  const at = value.indexOf(name);
  if (at < 0) return false;
  const before = value.charAt(at - 1);
  const after = value.charAt(at + name.length);
  return (at === 0 || "/@".includes(before)) && (after === "" || "/:".includes(after));
}

/** True where a queue's messages go to another one when they have failed too often. */
function sendsFailedTo({ redrivePolicy }: PreviewResource["inputs"], { outputs }: PreviewResource): boolean {
  const arn = text(outputs.arn);
  return arn !== "" && text(redrivePolicy).includes(`"${arn}"`);
}

/**
 * Reads the architecture out of a stack's resources: boxes from their types, arrows from what their settings name.
 * An environment whose variables hold a database's address, for example, gets an arrow to that database. Every
 * resource belongs to one box or frame.
 */
export function architectureOf(document: PreviewDocument): Architecture {
  return new Reader(document).read();
}

/** What a setting can name, and what flows there. */
interface Target {
  id: string;
  names: string[];
  label: string;
}

class Reader {
  private readonly boxes: Box[] = [];
  private readonly arrows: Arrow[] = [];
  private readonly targets: Target[] = [];
  private readonly resources: PreviewResource[];

  constructor(private readonly document: PreviewDocument) {
    this.resources = document.resources;
  }

  read(): Architecture {
    this.box("people", "People", "browsers and phones", "people", "outside", ROWS.people, []);
    this.edge();
    this.databases();
    this.queues();
    this.buckets();
    // Web before worker, as requests come before tasks.
    const environments = this.ofType("aws:elasticbeanstalk/environment:Environment").sort(
      (one, other) => Number(one.inputs.tier === "Worker") - Number(other.inputs.tier === "Worker"),
    );
    for (const environment of environments) this.environment(environment);
    this.flows(environments);
    this.operations(environments);
    const network = this.assign();
    const pairs = this.pairs(environments);
    return {
      title: `${this.document.project}/${this.document.stack}`,
      boxes: this.boxes,
      cloud: this.frames(network, pairs),
      arrows: merge(this.arrows, pairs),
    };
  }

  private ofType(type: string): PreviewResource[] {
    return this.resources.filter((one) => one.type === type);
  }

  private box(
    id: string,
    title: string,
    subtitle: string,
    icon: Icon,
    zone: Zone,
    row: number,
    members: PreviewResource[],
  ): string {
    const urns = members.map(({ urn }) => urn);
    this.boxes.push({ id, title, subtitle, icon, zone, row, urns, accessories: [] });
    return id;
  }

  private arrow(from: string, to: string, label: string): void {
    if (this.arrows.some((one) => one.from === from && one.to === to && one.label === label)) return;
    this.arrows.push({ from, to, label, both: false });
  }

  private edge(): void {
    const records = this.ofType("aws:route53/record:Record");
    if (records.length > 0) {
      this.box("dns", "DNS", `Route 53, ${count(records, "record")}`, "dns", "edge", ROWS.edge, records);
      this.arrow("people", "dns", "names");
    }
    const certificates = this.ofType("aws:acm/certificate:Certificate");
    if (certificates.length > 0) {
      const subtitle = `ACM, ${count(certificates, "certificate")}`;
      this.box("certificates", "Certificates", subtitle, "certificate", "edge", ROWS.edge, certificates);
    }
    const gateways = this.ofType("aws:ec2/natGateway:NatGateway");
    if (gateways.length > 0) {
      this.box("nat", "NAT", count(gateways, "gateway"), "gateway", "public", ROWS.public, gateways);
    }
    for (const distribution of this.ofType("aws:cloudfront/distribution:Distribution")) {
      const id = `distribution ${distribution.urn}`;
      this.box(id, "CloudFront", "static files, near people", "cloud", "edge", ROWS.edge, [distribution]);
      this.arrow("people", id, "static files");
    }
  }

  private databases(): void {
    for (const database of this.ofType("aws:rds/instance:Instance")) {
      const { engine, engineVersion, instanceClass, multiAz } = database.inputs;
      const name = text(engine) === "postgres" ? "PostgreSQL" : text(engine);
      const subtitle = `${name} ${text(engineVersion)}, ${text(instanceClass)}${multiAz === true ? ", standby" : ""}`;
      const id = `database ${database.urn}`;
      this.box(id, words(database.name), subtitle, "database", "private", ROWS.data, [database]);
      this.targets.push({ id, names: [text(database.outputs.address)], label: "SQL" });
    }
    for (const redis of this.ofType("aws:elasticache/replicationGroup:ReplicationGroup")) {
      const id = `redis ${redis.urn}`;
      const subtitle = `Redis, ${text(redis.inputs.numCacheClusters) || "1"} × ${text(redis.inputs.nodeType)}`;
      this.box(id, words(redis.name), subtitle, "memory", "private", ROWS.data, [redis]);
      this.targets.push({ id, names: [text(redis.outputs.primaryEndpointAddress)], label: "form data" });
    }
  }

  private queues(): void {
    const queues = this.ofType("aws:sqs/queue:Queue");
    for (const queue of queues) {
      const id = `queue ${queue.urn}`;
      this.box(id, words(queue.name), "SQS queue", "queue", "services", ROWS.data, [queue]);
      this.targets.push({ id, names: [text(queue.outputs.url)], label: "tasks" });
      const failed = queues.find((other) => sendsFailedTo(queue.inputs, other));
      if (failed) this.arrow(id, `queue ${failed.urn}`, "failed tasks");
    }
  }

  private buckets(): void {
    const distributions = this.ofType("aws:cloudfront/distribution:Distribution");
    for (const bucket of this.ofType("aws:s3/bucket:Bucket")) {
      const kind = tag(bucket, "class");
      const name = text(bucket.inputs.bucket);
      const id = `bucket ${bucket.urn}`;
      const title = `${words(bucket.name)} bucket`;
      if (kind === "static") {
        this.box(id, title, "S3, readable by everyone", "bucket", "services", ROWS.public, [bucket]);
        const front = distributions.find(({ inputs }) => JSON.stringify(inputs.origins ?? "").includes(name));
        this.arrow(front ? `distribution ${front.urn}` : "people", id, "static files");
      } else if (kind === "media") {
        this.box(id, title, "S3, private, links of 15 min", "bucket", "services", ROWS.public, [bucket]);
        this.arrow("people", id, "media, signed links");
        this.targets.push({ id, names: [name], label: "media" });
      } else {
        this.box(id, title, "S3, private", "bucket", "operations", ROWS.images, [bucket]);
      }
    }
  }

  private environment(environment: PreviewResource): void {
    const options = optionsOf(environment);
    const option = (name: string) => options.find((one) => one.name === name)?.value;
    const least = option("MinSize") ?? "1";
    const most = option("MaxSize") ?? least;
    const size = least === most ? least : `${least} to ${most}`;
    const title = words(tag(environment, "role") || environment.name);
    const id = `environment ${environment.urn}`;
    const isWorker = environment.inputs.tier === "Worker";
    const subtitle = `Beanstalk, ${size} × ${option("InstanceTypes") ?? "instance"}`;
    this.box(id, title, subtitle, isWorker ? "worker" : "server", "private", ROWS.private, [environment]);
    if (isWorker) return;
    if (option("EnvironmentType") === "LoadBalanced") {
      const listeners = this.ofType("aws:lb/listener:Listener").filter(({ propertyDependencies }) =>
        Object.values(propertyDependencies).flat().includes(environment.urn),
      );
      const balancer = `balancer ${environment.urn}`;
      this.box(
        balancer,
        `${title} load balancer`,
        "HTTPS; port 80 redirects",
        "balancer",
        "public",
        ROWS.public,
        listeners,
      );
      this.arrow("people", balancer, "HTTPS");
      this.arrow(balancer, id, "requests");
    }
    // Addresses of this environment, by which others may name it.
    const addresses = this.ofType("aws:route53/record:Record")
      .filter(({ propertyDependencies }) =>
        Object.values(propertyDependencies).flat().includes(environment.urn),
      )
      .map(({ inputs }) => text(inputs.name));
    this.targets.push({ id, names: addresses, label: "forms" });
  }

  private flows(environments: PreviewResource[]): void {
    const application = new Map(
      environments.map(({ urn, inputs }) => [`environment ${urn}`, text(inputs.application)]),
    );
    for (const environment of environments) {
      const id = `environment ${environment.urn}`;
      const isWorker = environment.inputs.tier === "Worker";
      for (const { namespace, name, value } of optionsOf(environment)) {
        if (name === "EMAIL_HOST") this.outside("mail", "Mail", value, "mail", id, "mail");
        if (name === "SENTRY_URL") this.outside("errors", "Sentry", "error reports", "bug", id, "errors");
        if (namespace === "aws:elbv2:loadbalancer") continue;
        for (const { id: target, names: known, label } of this.targets) {
          // An environment knows its own address, and a worker that of its pair.
          if (application.get(target) === application.get(id)) continue;
          if (!known.some((one) => names(value, one))) continue;
          if (name === "WorkerQueueURL") this.arrow(target, id, "tasks");
          else if (!(isWorker && label === "tasks")) this.arrow(id, target, label);
        }
      }
    }
  }

  private outside(
    id: string,
    title: string,
    subtitle: string,
    icon: Icon,
    from: string,
    label: string,
  ): void {
    if (!this.boxes.some((box) => box.id === id)) {
      const name = /mailgun/i.test(subtitle) ? "Mailgun" : title;
      this.box(id, name, subtitle, icon, "outside", ROWS.people, []);
    }
    this.arrow(from, id, label);
  }

  private operations(environments: PreviewResource[]): void {
    const secrets = this.ofType("aws:ssm/parameter:Parameter").filter(
      ({ inputs }) => inputs.type === "SecureString",
    );
    if (secrets.length > 0) {
      const subtitle = `Parameter Store, ${count(secrets, "secret")}`;
      this.box("secrets", "Secrets", subtitle, "key", "services", ROWS.private, secrets);
    }
    const commands = this.ofType("command:local:Command");
    if (commands.length > 0) {
      this.box("image", "GDAL image", "built by pulumi up", "image", "operations", ROWS.images, commands);
      for (const { urn, dependencies } of environments)
        if (commands.some((command) => dependencies.includes(command.urn)))
          this.arrow("image", `environment ${urn}`, "image");
    }
    const alarms = this.ofType("aws:cloudwatch/metricAlarm:MetricAlarm");
    if (alarms.length > 0) {
      const subtitle = `CloudWatch, ${count(alarms, "alarm")}`;
      this.box("alarms", "Alarms", subtitle, "bell", "operations", ROWS.access, alarms);
      this.box("operators", "Operators", "woken by mail", "people", "outside", ROWS.others, []);
      this.arrow("alarms", "operators", "alarms");
    }
    const roles = this.ofType("aws:iam/role:Role").filter(({ inputs }) =>
      text(inputs.assumeRolePolicy).includes("token.actions.githubusercontent.com"),
    );
    if (roles.length > 0) {
      this.box(
        "ci",
        "CI access",
        `${count(roles, "role")}, no keys`,
        "badge",
        "operations",
        ROWS.access,
        roles,
      );
      this.box("github", "GitHub Actions", "preview, up, deploy", "branch", "outside", ROWS.others, []);
      this.arrow("github", "ci", "OpenID Connect");
      for (const bucket of this.ofType("aws:s3/bucket:Bucket")) {
        if (tag(bucket, "class") !== "artifacts") continue;
        this.arrow("ci", `bucket ${bucket.urn}`, "versions");
        for (const { urn } of this.deployed(environments))
          this.arrow(`bucket ${bucket.urn}`, `environment ${urn}`, "versions");
      }
    }
  }

  /** The environments whose code comes with deployments, not with the infrastructure. */
  private deployed(environments: PreviewResource[]): PreviewResource[] {
    return environments.filter(({ inputs }) => inputs.version === undefined);
  }

  /** The environments of one application, which deploy together. */
  private pairs(environments: PreviewResource[]): Map<string, string[]> {
    const pairs = new Map<string, string[]>();
    for (const { urn, inputs } of environments) {
      const application = text(inputs.application);
      pairs.set(application, [...(pairs.get(application) ?? []), `environment ${urn}`]);
    }
    for (const [application, members] of pairs) if (members.length < 2) pairs.delete(application);
    return pairs;
  }

  /**
   * Gives every resource without a box to the box that is nearest to it in the tree of components, and a box of its
   * own to each part without one. Returns what makes up the network, which is a frame.
   */
  private assign(): string[] {
    const byUrn = new Map(this.resources.map((one) => [one.urn, one]));
    const lineage = new Map<string, string[]>();
    const above = (urn: string): string[] => {
      const known = lineage.get(urn);
      if (known !== undefined) return known;
      lineage.set(urn, []);
      const parent = byUrn.get(urn)?.parent ?? "";
      const path = parent === "" ? [] : [parent, ...above(parent)];
      lineage.set(urn, path);
      return path;
    };
    const part = (urn: string) => [urn, ...above(urn)].at(-2) ?? urn;
    const isNetwork = ({ type }: PreviewResource) => /^aws:(ec2|vpc)\//.test(type);
    const owners = this.boxes.flatMap((box) =>
      box.urns.map((urn) => ({ box, urn, name: byUrn.get(urn)?.name ?? "", path: above(urn) })),
    );
    const taken = new Set(owners.map(({ urn }) => urn));
    const networkParts = new Set(this.resources.filter(isNetwork).map(({ urn }) => part(urn)));
    const network: string[] = [];
    const rest = new Map<string, PreviewResource[]>();
    for (const resource of this.resources) {
      const { urn, type } = resource;
      if (taken.has(urn)) continue;
      const path = [urn, ...above(urn)];
      if (isNetwork(resource) || networkParts.has(part(urn))) {
        network.push(urn);
        continue;
      }
      let best: { box: Box; score: number } | undefined;
      for (const owner of owners) {
        // The stack is above everything and says nothing.
        const shared = path.filter((one) => one === owner.urn || owner.path.includes(one)).length - 1;
        if (shared <= 0) continue;
        const linked = Object.values(resource.propertyDependencies).flat().includes(owner.urn);
        const named = resource.name === owner.name || resource.name.startsWith(`${owner.name}-`);
        // Of several boxes in one part, the one that is called like the part is what it is about.
        const leads = owner.name === byUrn.get(path.at(-2) ?? "")?.name;
        const score = shared + (linked ? 0.5 : 0) + (named ? 0.3 : 0) + (leads ? 0.1 : 0);
        if (score > (best?.score ?? 0)) best = { box: owner.box, score };
      }
      if (best) best.box.accessories.push(urn);
      else if (type !== "pulumi:pulumi:Stack" && !type.startsWith("pulumi:providers:")) {
        rest.set(part(urn), [...(rest.get(part(urn)) ?? []), resource]);
      }
    }
    for (const [urn, members] of rest) {
      const owned = members.filter(({ custom }) => custom);
      const name = byUrn.get(urn)?.name ?? urn;
      // A component that only hands values on has nothing to draw; it is told with the frame around all.
      if (owned.length > 0) {
        const icon = owned.every(({ type }) => type.startsWith("aws:iam/")) ? "badge" : "box";
        const row = this.emptiestRow("operations");
        this.box(`part ${urn}`, words(name), count(owned, "resource"), icon, "operations", row, members);
      }
    }
    return network;
  }

  private titleOf(id: string): string {
    return this.boxes.find((box) => box.id === id)?.title ?? id;
  }

  private emptiestRow(zone: Zone): number {
    const many = (row: number) => this.boxes.filter((box) => box.zone === zone && box.row === row).length;
    const rows = [ROWS.access, ROWS.images];
    return rows.reduce((best, row) => (many(row) < many(best) ? row : best));
  }

  private frames(network: string[], pairs: Map<string, string[]>): Frame {
    const { project, stack, resources } = this.document;
    const inZone = (zone: Zone) => this.boxes.filter((box) => box.zone === zone).map(({ id }) => id);
    const zone = (name: Exclude<Zone, "outside">, frames: Frame[] = []): Frame[] => {
      const framed = new Set(frames.flatMap(({ boxes }) => boxes));
      const boxes = inZone(name).filter((id) => !framed.has(id));
      if (boxes.length + frames.length === 0) return [];
      return [{ id: `zone ${name}`, title: ZONES[name], kind: "zone", boxes, frames, accessories: [] }];
    };
    const [vpc] = this.ofType("aws:ec2/vpc:Vpc");
    const cidr = text(vpc?.inputs.cidrBlock);
    const networkFrame: Frame = {
      id: "network",
      title: vpc ? `Network ${cidr}` : "Existing network",
      kind: "network",
      boxes: [],
      frames: [
        ...zone("public"),
        ...zone(
          "private",
          [...pairs].map(([application, boxes]) => ({
            id: `pair ${application}`,
            title: `${boxes.map((id) => this.titleOf(id)).join(" and ")} (deployed together)`,
            kind: "pair",
            boxes,
            frames: [],
            accessories: [],
          })),
        ),
      ],
      accessories: network,
    };
    const owned = new Set([
      ...this.boxes.flatMap(({ urns, accessories }) => [...urns, ...accessories]),
      ...network,
    ]);
    const provider = this.resources.find(({ type }) => type === "pulumi:providers:aws");
    const region = text(provider?.inputs.region);
    return {
      id: "cloud",
      title: `${project}/${stack} on AWS${region === "" ? "" : `, ${region}`}`,
      kind: "cloud",
      boxes: [],
      frames: [
        ...zone("edge"),
        ...(networkFrame.frames.length + network.length > 0 ? [networkFrame] : []),
        ...zone("services"),
        ...zone("operations"),
      ],
      accessories: resources.map(({ urn }) => urn).filter((urn) => !owned.has(urn)),
    };
  }
}

/** Draws what all environments of a pair have in common once, and what flows both ways as one arrow. */
function merge(arrows: Arrow[], pairs: Map<string, string[]>): Arrow[] {
  let merged = arrows;
  for (const [application, members] of pairs) {
    for (const [near, far] of [
      ["from", "to"],
      ["to", "from"],
    ] as const) {
      const same = (one: Arrow, other: Arrow) => one[far] === other[far] && one.label === other.label;
      const ofAll = (arrow: Arrow) =>
        members.every((id) => merged.some((one) => one[near] === id && same(one, arrow)));
      const kept: Arrow[] = [];
      for (const arrow of merged) {
        const joined =
          members.includes(arrow[near]) && ofAll(arrow) ? { ...arrow, [near]: `pair ${application}` } : arrow;
        if (!kept.some((one) => one[near] === joined[near] && same(one, joined))) kept.push(joined);
      }
      merged = kept;
    }
  }
  const result: Arrow[] = [];
  for (const arrow of merged) {
    const back = result.find(
      ({ from, to, label }) => from === arrow.to && to === arrow.from && label === arrow.label,
    );
    if (back) back.both = true;
    else result.push({ ...arrow });
  }
  return result;
}
