import { PreviewResource } from "../../graph/document";
import { Icon } from "../drawing/icons";
import { count } from "../wording";
import { Arrow, Box, ROWS, Zone } from "./types";
import { text, words } from "./wording";

const tag = ({ inputs }: PreviewResource, name: string) =>
  text((inputs.tags as Record<string, unknown> | undefined)?.[name]);

interface Option {
  namespace: string;
  name: string;
  value: string;
}

function optionsOf({ inputs }: PreviewResource): Option[] {
  const settings: unknown = inputs.settings;
  const isOption = (one: unknown): one is Option =>
    typeof one === "object" &&
    one !== null &&
    ["namespace", "name", "value"].every((key) => typeof (one as Record<string, unknown>)[key] === "string");
  return Array.isArray(settings) ? (settings as unknown[]).filter(isOption) : [];
}

/** A rule of a backup plan. */
interface PlanRule {
  targetVaultName: string;
  copyActions?: { destinationVaultArn: string }[];
}

/** True if a value is this host, bucket or address, or a URL of it. */
function names(value: string, name: string): boolean {
  if (name === "") return false;
  const at = value.indexOf(name);
  if (at < 0) return false;
  const before = value.charAt(at - 1);
  const after = value.charAt(at + name.length);
  return (at === 0 || "/@".includes(before)) && (after === "" || "/:".includes(after));
}

/** True if a queue moves failed messages to the other queue. */
function sendsFailedTo({ redrivePolicy }: PreviewResource["inputs"], { outputs }: PreviewResource): boolean {
  const arn = text(outputs.arn);
  return arn !== "" && text(redrivePolicy).includes(`"${arn}"`);
}

/** The Beanstalk environments; web before worker, as requests come before tasks. */
export function environmentsOf(resources: PreviewResource[]): PreviewResource[] {
  return resources
    .filter(({ type }) => type === "aws:elasticbeanstalk/environment:Environment")
    .sort((one, other) => Number(one.inputs.tier === "Worker") - Number(other.inputs.tier === "Worker"));
}

/** A box that settings can name. */
interface Target {
  id: string;
  /** Its hosts and addresses. */
  names: string[];
  /** Label of the arrows to it. */
  label: string;
}

/**
 * Reads boxes from the types of resources, and arrows from the values of their settings: an environment whose
 * variables hold the address of a database gets an arrow to it.
 */
export class BoxReader {
  readonly boxes: Box[] = [];
  readonly arrows: Arrow[] = [];
  private readonly targets: Target[] = [];

  constructor(private readonly resources: PreviewResource[]) {
    this.box("people", "People", "browsers and phones", "people", "outside", ROWS.people, []);
    this.edge();
    this.databases();
    this.queues();
    this.buckets();
    this.backups();
    const environments = environmentsOf(resources);
    for (const environment of environments) this.environment(environment);
    this.flows(environments);
    this.operations(environments);
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
      this.box(
        "dns",
        "DNS",
        `Route 53, ${count(records.length, "record")}`,
        "dns",
        "edge",
        ROWS.edge,
        records,
      );
      this.arrow("people", "dns", "DNS");
    }
    const certificates = this.ofType("aws:acm/certificate:Certificate");
    if (certificates.length > 0) {
      const subtitle = `ACM, ${count(certificates.length, "certificate")}`;
      this.box("certificates", "Certificates", subtitle, "certificate", "edge", ROWS.edge, certificates);
    }
    const gateways = this.ofType("aws:ec2/natGateway:NatGateway");
    if (gateways.length > 0) {
      this.box("nat", "NAT", count(gateways.length, "gateway"), "gateway", "public", ROWS.public, gateways);
    }
    for (const distribution of this.ofType("aws:cloudfront/distribution:Distribution")) {
      const id = `distribution ${distribution.urn}`;
      this.box(id, "CloudFront", "static files, edge cache", "cloud", "edge", ROWS.edge, [
        distribution,
        ...this.ofType("aws:cloudfront/originAccessControl:OriginAccessControl").filter(({ urn }) =>
          (distribution.propertyDependencies.origins ?? []).includes(urn),
        ),
      ]);
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
        const front = distributions.find(({ inputs }) => JSON.stringify(inputs.origins ?? "").includes(name));
        const subtitle = front ? "S3, private, read by CloudFront" : "S3, readable by everyone";
        this.box(id, title, subtitle, "bucket", "services", ROWS.public, [bucket]);
        this.arrow(front ? `distribution ${front.urn}` : "people", id, "static files");
      } else if (kind === "media") {
        this.box(id, title, "S3, private, links of 15 min", "bucket", "services", ROWS.public, [bucket]);
        this.arrow("people", id, "media, signed links");
        this.targets.push({ id, names: [name], label: "media" });
      } else {
        this.box(id, title, "S3, private", "bucket", "operations", ROWS.images, [bucket]);
      }
    }
    for (const { inputs } of this.ofType("aws:s3/bucketLogging:BucketLogging")) {
      const named = (name: unknown) =>
        this.ofType("aws:s3/bucket:Bucket").find((bucket) => bucket.inputs.bucket === name);
      const [from, to] = [named(inputs.bucket), named(inputs.targetBucket)];
      if (from !== undefined && to !== undefined)
        this.arrow(`bucket ${from.urn}`, `bucket ${to.urn}`, "access logs");
    }
  }

  /** Reads vaults of AWS Backup; arrows come from what a plan's selections name. */
  private backups(): void {
    const vaults = this.ofType("aws:backup/vault:Vault");
    for (const vault of vaults) {
      const region = text(vault.inputs.region);
      const subtitle = region === "" ? "AWS Backup, locked" : `AWS Backup in ${region}, locked`;
      const title = `${words(vault.name)} vault`;
      this.box(`vault ${vault.urn}`, title, subtitle, "box", "operations", ROWS.images, [vault]);
    }
    const named = (name: string) => vaults.find(({ inputs }) => text(inputs.name) === name);
    for (const plan of this.ofType("aws:backup/plan:Plan")) {
      const selected = this.ofType("aws:backup/selection:Selection")
        .filter(({ propertyDependencies }) => (propertyDependencies.planId ?? []).includes(plan.urn))
        .flatMap(({ inputs }) => (Array.isArray(inputs.resources) ? inputs.resources.map(text) : []));
      const rules = Array.isArray(plan.inputs.rules) ? plan.inputs.rules : [];
      for (const { targetVaultName, copyActions } of rules as unknown as PlanRule[]) {
        const vault = named(targetVaultName);
        if (vault === undefined) continue;
        for (const source of this.ofType("aws:rds/instance:Instance"))
          if (selected.some((arn) => arn.endsWith(`:db:${text(source.inputs.identifier)}`)))
            this.arrow(`database ${source.urn}`, `vault ${vault.urn}`, "backups");
        for (const source of this.ofType("aws:s3/bucket:Bucket"))
          if (selected.includes(`arn:aws:s3:::${text(source.inputs.bucket)}`))
            this.arrow(`bucket ${source.urn}`, `vault ${vault.urn}`, "backups");
        for (const { destinationVaultArn } of copyActions ?? []) {
          const copy = named(text(destinationVaultArn).split(":backup-vault:")[1] ?? "");
          if (copy !== undefined) this.arrow(`vault ${vault.urn}`, `vault ${copy.urn}`, "copies");
        }
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
      const isFiltered = this.ofType("aws:wafv2/webAclAssociation:WebAclAssociation").some(
        ({ propertyDependencies }) => (propertyDependencies.resourceArn ?? []).includes(environment.urn),
      );
      this.arrow("people", balancer, isFiltered ? "HTTPS, filtered by WAF" : "HTTPS");
      this.arrow(balancer, id, "requests");
    }
    // Addresses of this environment in the settings of others.
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
    // The secrets are no resources of the program: it names them by ARN.
    const secrets = new Set(
      environments
        .flatMap(optionsOf)
        .filter(({ namespace }) => namespace === "aws:elasticbeanstalk:application:environmentsecrets")
        .map(({ value }) => value),
    );
    if (secrets.size > 0) {
      const subtitle = `Parameter Store, ${count(secrets.size, "secret")}`;
      this.box("secrets", "Secrets", subtitle, "key", "services", ROWS.private, []);
    }
    const commands = this.ofType("command:local:Command");
    if (commands.length > 0) {
      this.box("image", "GDAL image", "built by pulumi up", "image", "operations", ROWS.images, commands);
      for (const { urn, dependencies } of environments)
        if (commands.some((command) => dependencies.includes(command.urn)))
          this.arrow("image", `environment ${urn}`, "image");
    }
    const repositories = this.ofType("aws:ecr/repository:Repository");
    if (repositories.length > 0)
      this.box("images", "Images", "ECR, kept with versions", "box", "operations", ROWS.images, repositories);
    const keys = this.ofType("aws:kms/key:Key");
    if (keys.length > 0) {
      const members = [...keys, ...this.ofType("aws:kms/alias:Alias")];
      this.box("encryption", "Encryption key", "KMS, rotated", "key", "operations", ROWS.access, members);
    }
    const alarms = this.ofType("aws:cloudwatch/metricAlarm:MetricAlarm");
    if (alarms.length > 0) {
      const subtitle = `CloudWatch, ${count(alarms.length, "alarm")}`;
      this.box("alarms", "Alarms", subtitle, "bell", "operations", ROWS.access, alarms);
      this.box("operators", "Operators", "notified by mail", "people", "outside", ROWS.others, []);
      this.arrow("alarms", "operators", "alarms");
    }
    const roles = this.ofType("aws:iam/role:Role").filter(({ inputs }) =>
      text(inputs.assumeRolePolicy).includes("token.actions.githubusercontent.com"),
    );
    if (roles.length > 0) {
      this.box(
        "ci",
        "CI access",
        `${count(roles.length, "role")}, no keys`,
        "badge",
        "operations",
        ROWS.access,
        roles,
      );
      this.box(
        "github",
        "GitHub Actions",
        "preview, up, deploy, rehearse",
        "branch",
        "outside",
        ROWS.others,
        [],
      );
      this.arrow("github", "ci", "OpenID Connect");
      for (const bucket of this.ofType("aws:s3/bucket:Bucket")) {
        if (tag(bucket, "class") === "artifacts")
          this.deployment(`bucket ${bucket.urn}`, "versions", environments);
      }
      if (repositories.length > 0) this.deployment("images", "images", environments);
    }
  }

  /** Draws what deployments write to a box, and from where instances fetch it. */
  private deployment(box: string, label: string, environments: PreviewResource[]): void {
    this.arrow("ci", box, label);
    for (const { urn } of this.deployed(environments)) this.arrow(box, `environment ${urn}`, label);
  }

  /** The environments whose code deployments change, not the program. */
  private deployed(environments: PreviewResource[]): PreviewResource[] {
    return environments.filter(({ ignoreChanges }) => ignoreChanges.includes("version"));
  }
}
