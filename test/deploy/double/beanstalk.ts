import { type Time } from "./clocks";
import { ENDPOINT } from "./loadBalancing";
import { healthOfClientErrors, worstOf } from "./health";
import { AwsFault, listOf, type Xml } from "./protocol";
import { type Random } from "./random";

/**
 * How a deployment to an environment ends:
 * - succeeds
 * - rolledBack: Beanstalk itself returns every instance to the old version
 * - mixed: it fails half-way; the label goes back, the instances stay on both versions (rolling deployments)
 * - warns, degrades: it succeeds, and the environment turns Warning or Severe after it
 * - hangs: it stays Updating beyond every time limit; it can be aborted
 */
export type DeploymentEnd = "succeeds" | "rolledBack" | "mixed" | "warns" | "degrades" | "hangs";

/** The ends after which the environment runs the new version, with the health that it then has. */
const HEALTH_AFTER: Partial<Record<DeploymentEnd, string>> = {
  succeeds: "Ok",
  warns: "Warning",
  degrades: "Severe",
};

interface Instance {
  id: string;
  label: string;
  status: "In Progress" | "Deployed" | "Failed";
  deploymentId: number;
}

interface Visible {
  status: string;
  label: string;
  health: string;
  abortable: boolean;
  instances: Instance[];
}

export interface EnvironmentSettings {
  /** By default one by its place. */
  id?: string;
  name: string;
  application: string;
  tier?: "WebServer" | "Worker";
  platformArn?: string;
  tags: Record<string, string>;
  label: string;
  instances?: number;
  health?: string;
  status?: string;
  variables?: Record<string, string>;
  /** Options by namespace and name, as in `aws:ec2:vpc VPCId`. */
  options?: Record<string, string>;
  /** By default one by its name. */
  endpoint?: string;
  cname?: string;
  /** The queue of a worker that is not the environment's own. */
  queueUrl?: string;
  /** The option `ConfigDocument` of aws:elasticbeanstalk:healthreporting:system, as the user set it. */
  healthRules?: string;
}

export interface Timing {
  /** Milliseconds that one instance takes. */
  perInstance: () => number;
  /** Milliseconds from Ready to healthy. */
  recovery: () => number;
  /** Milliseconds by which descriptions lag behind. */
  lag: () => number;
  /** Whether an environment shows the new label while it is being updated. */
  earlyLabel: () => boolean;
}

/** One environment, moved on by the time. */
export class SimulatedEnvironment {
  readonly id: string;
  readonly arn: string;
  readonly events: { at: number; severity: string; message: string }[] = [];
  readonly history: { at: number; visible: Visible }[] = [];
  /** The best health that it can have at a time, whatever version it runs: a disk that fills makes it Warning. */
  bestHealth: (at: number) => string = () => "Ok";
  /** The share of requests that its users and scanners get wrong (4xx) at a time, from 0 to 1. */
  clientErrors: (at: number) => number = () => 0;
  /** The labels it was asked to take, in order. */
  readonly updates: string[] = [];
  private schedule: { at: number; act: () => void }[] = [];
  private operation: { from: string; label: string } | undefined;
  private deploymentId = 1;
  private current: Visible;

  constructor(
    readonly settings: EnvironmentSettings,
    index: number,
    private readonly beanstalk: Beanstalk,
  ) {
    this.id = settings.id ?? `e-${String(index).padStart(10, "0")}`;
    this.arn = `arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/${settings.application}/${settings.name}`;
    this.current = {
      status: settings.status ?? "Ready",
      label: settings.label,
      health: settings.health ?? "Ok",
      abortable: false,
      instances: Array.from({ length: settings.instances ?? 2 }, (_, number) => ({
        id: `i-${index}${number}`,
        label: settings.label,
        status: "Deployed",
        deploymentId: 1,
      })),
    };
    this.remember();
  }

  /** The state as it really is. */
  get truth(): Visible {
    this.settle();
    return this.current;
  }

  /** The state as descriptions show it, which lags behind. */
  get shown(): Visible {
    this.settle();
    const at = this.now - this.beanstalk.timing.lag();
    return this.history.findLast((entry) => entry.at <= at)?.visible ?? this.history[0]!.visible;
  }

  /** The health that descriptions show. During an operation it is that of the operation. */
  get shownHealth(): string {
    const { health, status } = this.shown;
    if (status !== "Ready") return health;
    const at = this.now;
    const byClients = healthOfClientErrors(this.clientErrors(at), this.settings.healthRules);
    return worstOf(health, this.bestHealth(at), byClients);
  }

  update(label: string): void {
    this.settle();
    const { name } = this.settings;
    if (this.current.status !== "Ready") {
      throw new AwsFault(
        "InvalidParameterValue",
        `Environment named ${name} is in an invalid state for this operation. Must be Ready.`,
      );
    }
    this.updates.push(label);
    const from = this.current.label;
    const timing = this.beanstalk.timing;
    const end = this.beanstalk.endOf(this, label);
    this.operation = { from, label };
    this.deploymentId += 1;
    const number = this.deploymentId;
    this.say("INFO", "Environment update is starting.");
    this.change({
      status: "Updating",
      health: "Info",
      abortable: true,
      label: timing.earlyLabel() ? label : from,
    });
    let at = this.now;
    const half = Math.ceil(this.current.instances.length / 2);
    const reached = end === "rolledBack" || end === "mixed" ? half : this.current.instances.length;
    for (let index = 0; index < reached; index += 1) {
      this.at(at, () => {
        this.say("INFO", `Deploying new version to instance ${this.current.instances[index]!.id}.`);
        this.setInstance(index, { label, status: "In Progress", deploymentId: number });
        this.beanstalk.onDeploy(label);
      });
      at += timing.perInstance();
      const failed = (end === "rolledBack" || end === "mixed") && index === reached - 1;
      this.at(at, () => {
        this.setInstance(index, { label, status: failed ? "Failed" : "Deployed", deploymentId: number });
      });
    }
    if (end === "hangs")
      this.at(at, () => {
        this.setInstance(0, { label, status: "In Progress", deploymentId: number });
      });
    const health = HEALTH_AFTER[end];
    if (health !== undefined)
      this.at(at, () => {
        this.finish(label, health);
      });
    if (end === "mixed")
      this.at(at, () => {
        this.fail(from);
      });
    if (end === "rolledBack") {
      this.at(at, () => {
        this.say("ERROR", "Failed to deploy application. Command failed on an instance.");
      });
      this.at(at + timing.perInstance(), () => {
        this.goBack(from, "Environment update was rolled back.");
      });
    }
  }

  abort(): void {
    this.settle();
    const operation = this.operation;
    if (operation === undefined) {
      throw new AwsFault(
        "InvalidParameterValue",
        `Environment named ${this.settings.name} is in an invalid state for this operation. Must be pending deployment.`,
      );
    }
    this.schedule = [];
    this.say("INFO", "Environment update is aborting.");
    this.change({ status: "Aborting" === this.current.status ? "Aborting" : "Updating", abortable: false });
    this.at(this.now + this.beanstalk.timing.perInstance(), () => {
      this.goBack(operation.from, "Environment update was aborted.");
    });
  }

  private finish(label: string, health: string): void {
    this.operation = undefined;
    this.say("INFO", "Environment update completed successfully.");
    this.change({ status: "Ready", label, abortable: false, health: health === "Ok" ? "Info" : "Warning" });
    this.at(this.now + this.beanstalk.timing.recovery(), () => {
      this.change({ health });
    });
  }

  private fail(from: string): void {
    this.operation = undefined;
    this.say("ERROR", "Failed to deploy application.");
    this.say(
      "ERROR",
      "During an aborted deployment, some instances may have deployed the new application version.",
    );
    this.change({ status: "Ready", label: from, abortable: false, health: "Degraded" });
  }

  private goBack(from: string, message: string): void {
    this.operation = undefined;
    this.deploymentId += 1;
    for (const index of this.current.instances.keys()) {
      this.setInstance(index, { label: from, status: "Deployed", deploymentId: this.deploymentId });
    }
    this.say("INFO", message);
    this.change({ status: "Ready", label: from, abortable: false, health: "Info" });
    this.at(this.now + this.beanstalk.timing.recovery(), () => {
      this.change({ health: "Ok" });
    });
  }

  private get now(): number {
    return this.beanstalk.now;
  }

  private at(at: number, act: () => void): void {
    this.schedule.push({ at, act });
  }

  /** Does what was due up to now, each at its own time. */
  settle(): void {
    for (;;) {
      let first: (typeof this.schedule)[number] | undefined;
      for (const one of this.schedule)
        if (one.at <= this.beanstalk.time.now && (first === undefined || one.at < first.at)) first = one;
      if (first === undefined) return;
      this.schedule.splice(this.schedule.indexOf(first), 1);
      this.beanstalk.at(first.at, first.act);
    }
  }

  private setInstance(index: number, change: Omit<Instance, "id">): void {
    const instances = this.current.instances.map((one, i) => (i === index ? { ...one, ...change } : one));
    this.change({ instances });
  }

  private change(change: Partial<Visible>): void {
    this.current = { ...this.current, ...change };
    this.remember();
  }

  private remember(): void {
    this.history.push({ at: this.now, visible: this.current });
  }

  private say(severity: string, message: string): void {
    this.events.push({ at: this.now, severity, message });
  }
}

const endpointOf = (name: string): string => (name === "iaso-staging" ? ENDPOINT : `${name}.example.org`);

interface Version {
  label: string;
  bucket: string;
  key: string;
  description: string;
  created: number;
  processedAt: number;
  fails: boolean;
}

/** Elastic Beanstalk, as far as a deployment sees it. */
export class Beanstalk {
  readonly environments: SimulatedEnvironment[] = [];
  readonly versions = new Map<string, Version>();
  /** How deployments of a label to an environment end; the first entry that is left is used up. */
  readonly ends = new Map<string, DeploymentEnd[]>();
  /** Versions that Beanstalk cannot process. */
  readonly unprocessable = new Set<string>();
  timing: Timing = {
    perInstance: () => 40_000,
    recovery: () => 15_000,
    lag: () => 0,
    earlyLabel: () => true,
  };
  /** Environments, versions and instances in one answer. */
  pageSize = 100;
  /** Called when an instance begins to run a version: its hooks migrate the database. */
  onDeploy: (label: string) => void = () => undefined;
  private acting: number | undefined;

  constructor(
    readonly time: Time,
    readonly random: Random,
  ) {}

  get now(): number {
    return this.acting ?? this.time.now;
  }

  at(moment: number, act: () => void): void {
    this.acting = moment;
    act();
    this.acting = undefined;
  }

  addEnvironment(settings: EnvironmentSettings): SimulatedEnvironment {
    const environment = new SimulatedEnvironment(settings, this.environments.length + 1, this);
    this.environments.push(environment);
    // Beanstalk's own application has a label, but is no version.
    if (settings.label !== "Sample Application" && !this.versions.has(settings.label))
      this.addVersion(settings.label, "artifacts", `bundles/${settings.label}.zip`);
    return environment;
  }

  addVersion(label: string, bucket: string, key: string, description = ""): void {
    const fails = this.unprocessable.has(label);
    this.versions.set(label, {
      label,
      bucket,
      key,
      description,
      created: this.now,
      processedAt: this.now + 4000,
      fails,
    });
  }

  /** The next deployments of `label` to the environment end like this, one after the other; the last one stays. */
  plan(environment: string, label: string, ...ends: DeploymentEnd[]): void {
    this.ends.set(`${environment} ${label}`, ends);
  }

  /** The same for every label that the environment does not run yet. */
  planNew(environment: string, end: DeploymentEnd): void {
    this.ends.set(`${environment} *`, [end]);
  }

  endOf(environment: SimulatedEnvironment, label: string): DeploymentEnd {
    const planned = this.ends.get(`${environment.settings.name} ${label}`);
    if (planned !== undefined) return (planned.length > 1 ? planned.shift() : planned[0]) ?? "succeeds";
    if (label === environment.settings.label) return "succeeds";
    return this.ends.get(`${environment.settings.name} *`)?.[0] ?? "succeeds";
  }

  handle(action: string, form: URLSearchParams): Xml {
    switch (action) {
      case "DescribeEnvironments":
        return this.describeEnvironments(form);
      case "ListTagsForResource": {
        const environment = this.environments.find(({ arn }) => arn === form.get("ResourceArn"));
        if (environment === undefined) throw new AwsFault("ResourceNotFoundException", "No such resource.");
        const tags = Object.entries(environment.settings.tags).map(([Key, Value]) => ({ Key, Value }));
        return { ResourceArn: environment.arn, ResourceTags: tags };
      }
      case "DescribeInstancesHealth":
        return this.describeInstances(form);
      case "DescribeEvents":
        return this.describeEvents(form);
      case "DescribeConfigurationSettings": {
        const environment = this.named(form.get("EnvironmentName"));
        const OptionSettings = Object.entries(environment.settings.variables ?? {}).map(
          ([OptionName, Value]) => ({
            Namespace: "aws:elasticbeanstalk:application:environment",
            OptionName,
            Value,
          }),
        );
        const options = Object.entries(environment.settings.options ?? {}).map(([key, Value]) => {
          const [Namespace = "", OptionName = ""] = key.split(" ");
          return { Namespace, OptionName, Value };
        });
        return {
          ConfigurationSettings: [
            {
              EnvironmentName: environment.settings.name,
              OptionSettings: [...OptionSettings, ...options],
            },
          ],
        };
      }
      case "DescribeEnvironmentResources": {
        const { queueUrl } = this.named(form.get("EnvironmentName")).settings;
        const Queues = queueUrl === undefined ? [] : [{ Name: "WorkerQueue", URL: queueUrl }];
        return { EnvironmentResources: { Queues } };
      }
      case "DescribePlatformVersion":
        return { PlatformDescription: { CustomAmiList: [] } };
      case "DescribeApplicationVersions":
        return this.describeVersions(form);
      case "CreateApplicationVersion": {
        const label = form.get("VersionLabel") ?? "";
        if (this.versions.has(label)) {
          throw new AwsFault("InvalidParameterValue", `Application Version ${label} already exists.`);
        }
        this.addVersion(
          label,
          form.get("SourceBundle.S3Bucket") ?? "",
          form.get("SourceBundle.S3Key") ?? "",
          form.get("Description") ?? "",
        );
        return { ApplicationVersion: { VersionLabel: label, Status: "PROCESSING" } };
      }
      case "DeleteApplicationVersion": {
        const label = form.get("VersionLabel") ?? "";
        if (this.environments.some((environment) => environment.truth.label === label)) {
          throw new AwsFault("SourceBundleDeletionFailure", `Application Version ${label} is in use.`);
        }
        this.versions.delete(label);
        return {};
      }
      case "UpdateEnvironment": {
        const environment = this.byId(form.get("EnvironmentId"));
        const label = form.get("VersionLabel") ?? "";
        const version = this.versions.get(label);
        if (version === undefined || version.processedAt > this.now) {
          throw new AwsFault("InvalidParameterValue", `No Application Version named '${label}' found.`);
        }
        environment.update(label);
        return this.describe(environment);
      }
      case "AbortEnvironmentUpdate":
        this.byId(form.get("EnvironmentId")).abort();
        return {};
      default:
        throw new AwsFault("InvalidAction", `The double does not know ${action}.`);
    }
  }

  private describeEnvironments(form: URLSearchParams): Xml {
    const ids = listOf(form, "EnvironmentIds");
    const application = form.get("ApplicationName");
    const chosen = this.environments.filter(
      ({ id, settings }) =>
        (ids.length === 0 || ids.includes(id)) &&
        (application === null || settings.application === application),
    );
    const [page, NextToken] = this.page(chosen, form, form.has("MaxRecords"));
    return { Environments: page.map((environment) => this.describe(environment)), NextToken };
  }

  private describe(environment: SimulatedEnvironment): Xml {
    const { settings } = environment;
    const { abortable, label, status } = environment.shown;
    return {
      EnvironmentName: settings.name,
      EnvironmentId: environment.id,
      EnvironmentArn: environment.arn,
      ApplicationName: settings.application,
      VersionLabel: label,
      PlatformArn:
        settings.platformArn ??
        "arn:aws:elasticbeanstalk:eu-central-1::platform/Python 3.13 running on 64bit Amazon Linux 2023/4.13.9",
      Status: status,
      HealthStatus: environment.shownHealth,
      AbortableOperationInProgress: abortable,
      // Only an environment with a load balancer has an address.
      ...(settings.tier !== "Worker" && { EndpointURL: settings.endpoint ?? endpointOf(settings.name) }),
      CNAME: settings.cname,
      Tier: { Name: settings.tier ?? "WebServer", Type: "Standard", Version: "1.0" },
    };
  }

  private describeInstances(form: URLSearchParams): Xml {
    const { health, instances } = this.byId(form.get("EnvironmentId")).shown;
    const [page, NextToken] = this.page(instances, form, true);
    return {
      InstanceHealthList: page.map(({ deploymentId, id, label, status }) => ({
        InstanceId: id,
        HealthStatus: status === "Failed" ? "Degraded" : health,
        Causes: status === "Failed" ? ["Application deployment failed."] : [],
        Deployment: { VersionLabel: label, DeploymentId: deploymentId, Status: status },
      })),
      RefreshedAt: new Date(this.now),
      NextToken,
    };
  }

  private describeEvents(form: URLSearchParams): Xml {
    const since = Date.parse(form.get("StartTime") ?? "1970-01-01");
    const Events = this.environments.flatMap((environment) => {
      environment.settle();
      return environment.events
        .filter(({ at }) => at >= since)
        .map(({ at, message, severity }) => ({
          EventDate: new Date(at),
          Message: message,
          Severity: severity,
          ApplicationName: environment.settings.application,
          EnvironmentName: environment.settings.name,
        }));
    });
    return { Events };
  }

  private describeVersions(form: URLSearchParams): Xml {
    const labels = listOf(form, "VersionLabels");
    const chosen = [...this.versions.values()].filter(
      ({ label }) => labels.length === 0 || labels.includes(label),
    );
    const [page, NextToken] = this.page(chosen, form, form.has("MaxRecords"));
    const ApplicationVersions = page.map(
      ({ bucket, created, description, fails, key, label, processedAt }) => ({
        VersionLabel: label,
        Description: description,
        DateCreated: new Date(created),
        Status: processedAt > this.now ? "PROCESSING" : fails ? "FAILED" : "PROCESSED",
        SourceBundle: { S3Bucket: bucket, S3Key: key },
      }),
    );
    return { ApplicationVersions, NextToken };
  }

  private page<T>(all: T[], form: URLSearchParams, paged: boolean): [T[], string | undefined] {
    const start = Number(form.get("NextToken") ?? 0);
    if (!paged) return [all, undefined];
    const end = start + this.pageSize;
    return [all.slice(start, end), end < all.length ? String(end) : undefined];
  }

  private byId(id: string | null): SimulatedEnvironment {
    const environment = this.environments.find((one) => one.id === id);
    if (environment !== undefined) return environment;
    throw new AwsFault("InvalidParameterValue", `No Environment found for EnvironmentId = '${id ?? ""}'.`);
  }

  private named(name: string | null): SimulatedEnvironment {
    const environment = this.environments.find(({ settings }) => settings.name === name);
    if (environment !== undefined) return environment;
    throw new AwsFault(
      "InvalidParameterValue",
      `No Environment found for EnvironmentName = '${name ?? ""}'.`,
    );
  }
}
