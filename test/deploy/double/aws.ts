import type { Role } from "../../authorization";
import { authorize, deployRole, neededForS3, neededPermissions } from "./authorization";
import { type DeploymentEnd, Beanstalk } from "./beanstalk";
import { Commands } from "./commands";
import { LoadBalancing } from "./loadBalancing";
import { type Time, VirtualTime } from "./clocks";
import {
  AwsFault,
  type DoubleRequest,
  type DoubleResponse,
  escapeXml,
  toForm,
  toXml,
  type Xml,
} from "./protocol";
import { Ecr } from "./ecr";
import { Queue } from "./queue";
import { Random } from "./random";
import { DEFAULT_GROUP, ELEMENTS, Rds } from "./rds";
import { S3 } from "./s3";
import { Users } from "./users";
import { pathWithBucket } from "./s3Address";

/**
 * The faults of one call:
 * - error: AWS refuses it, and a retry does not help
 * - throttle: AWS asks to come back later
 * - timeoutBefore: the request is lost
 * - timeoutAfter: the answer is lost
 * - timeoutLate: there is no answer, and the request takes effect some seconds later
 * - killBefore, killAfter: the tool's process ends before the request is sent, or before the answer is there
 */
export type FaultKind =
  "error" | "throttle" | "timeoutBefore" | "timeoutAfter" | "timeoutLate" | "killBefore" | "killAfter";

export const FAULT_KINDS: readonly FaultKind[] = [
  "error",
  "throttle",
  "timeoutBefore",
  "timeoutAfter",
  "timeoutLate",
  "killBefore",
  "killAfter",
];

export interface Call {
  service: string;
  operation: string;
  at: number;
}

/** Milliseconds after which a late request takes effect. */
const LATE = 45_000;

export const ENV = "staging";
export const APPLICATION = "iaso-staging";
export const ARTIFACTS = "example-iaso-staging-artifacts";
export const STATIC = "example-iaso-staging-static";
export const PREVIOUS = "1.0.0-00000000";

/** The services whose protocol is JSON. */
const JSON_SERVICES = ["ecr", "monitoring", "sqs", "ssm"];

/** The platform of environments that run images. */
const DOCKER =
  "arn:aws:elasticbeanstalk:eu-central-1::platform/Docker running on 64bit Amazon Linux 2023/4.13.9";

/** Answers that a request never gets: the connection stays silent. */
export const SILENCE = Symbol("silence");
/** The process that sent the request is to be killed. */
export const KILL = Symbol("kill");

/** One for all doubles of a platform, because it remembers its decisions. */
const ROLES = { python: deployRole(ENV), docker: deployRole(ENV, undefined, "docker") };

/** An AWS account with one pair and its neighbours, on a clock of its own. */
export class AwsDouble {
  readonly beanstalk: Beanstalk;
  readonly s3: S3;
  readonly rds: Rds;
  readonly ecr = new Ecr(APPLICATION);
  readonly commands: Commands;
  readonly balancing: LoadBalancing;
  readonly queue: Queue;
  /** Queues of others by the end of their URLs. */
  readonly queues = new Map<string, Queue>();
  /** Finds the operation of a request to a service that only some tests have, such as Route 53. */
  further: (
    service: string,
    request: DoubleRequest,
  ) => { operation: string; answer: () => DoubleResponse } | undefined = () => undefined;
  /** Undefined in tests without users. */
  users: Users | undefined;
  /** Does what others do up to the double's time. */
  onSettle: () => void = () => undefined;
  /** False if the version that runs does not fit the tables. */
  fits = (): boolean => this.users?.fits !== false;
  /** Pulumi's state. */
  state: string;
  readonly calls: Call[] = [];
  /** By the call's place in the order in which calls arrive. */
  readonly faults = new Map<number, FaultKind>();
  /** By the operation, and how many times it came before. */
  faultOn: (operation: string, before: number) => FaultKind | undefined = () => undefined;
  /** Parameters of SSM. */
  readonly parameters = new Map<string, string>();
  /** Messages the worker has taken, one value for each look; the last one stays. */
  tasksInFlight: number[] = [0];
  runningTasks: { id: number; name: string; started_at: number }[] = [];
  /** Rules of the VPC's default security group: none, as the Pulumi program leaves it. */
  defaultGroupRules: Xml[] = [];
  readonly slack: string[] = [];
  slackStatus = 200;
  /** When the session of the credentials ends, in milliseconds since 1970: AWS refuses every call from then on. */
  sessionEnd = Infinity;
  private runsDocker = false;
  private readonly arrivals = new Map<string, number>();
  /** The role of the tool. AWS refuses what the role's policies do not allow. */
  role: Role = ROLES.python;
  private readonly late: { at: number; act: () => unknown }[] = [];

  constructor(
    seed = 1,
    readonly time: Time = new VirtualTime(),
    buckets = [ARTIFACTS, STATIC],
  ) {
    this.beanstalk = new Beanstalk(this.time, new Random(seed));
    this.s3 = new S3(this.time, buckets);
    this.rds = new Rds(this.time, new Random(seed + 1));
    this.rds.addInstance(`iaso-${ENV}`);
    this.commands = new Commands(this.time, this.rds, (url) => this.fetchPresigned(url));
    this.balancing = new LoadBalancing(this.time);
    this.queue = new Queue(this.time);
    const [database] = this.rds.instances;
    this.state = JSON.stringify({
      version: 3,
      deployment: { resources: [{ type: "aws:rds/instance:Instance", id: database?.id }] },
    });
  }

  /** An address of an object of the artifacts bucket, in the name of the role, as `aws s3 presign` prints it. */
  presign(key: string): string {
    const date = new Date(this.time.now).toISOString().replace(/[-:]|\.\d+/g, "");
    return `https://${ARTIFACTS}.s3.eu-central-1.amazonaws.com/${encodeURI(key)}?X-Amz-Date=${date}&X-Amz-Expires=900`;
  }

  /** Reads an object by a presigned address. @throws AwsFault if it has expired, or the role may not read the object */
  private fetchPresigned(url: URL): Buffer {
    const [, day = "", time = ""] = /^(\d{8}T)(\d{6}Z)$/.exec(url.searchParams.get("X-Amz-Date") ?? "") ?? [];
    const signed = Date.parse(
      `${day.replace(/(....)(..)(..)T/, "$1-$2-$3T")}${time.replace(/(..)(..)(..)Z/, "$1:$2:$3Z")}`,
    );
    const seconds = Number(url.searchParams.get("X-Amz-Expires"));
    if (!(this.time.now < signed + seconds * 1000)) throw new AwsFault("AccessDenied", "Expired", 403);
    const key = decodeURI(url.pathname.slice(1));
    authorize(this.role, "s3", [{ action: "s3:GetObject", resource: `arn:aws:s3:::${ARTIFACTS}/${key}` }]);
    const object = this.s3.get(ARTIFACTS, key);
    if (object === undefined) throw new AwsFault("NoSuchKey", "", 404);
    return object.body;
  }

  /** The settings of the environment, as the Pulumi program writes them. */
  describeTarget(url?: string, platform: "python" | "docker" = "python"): void {
    this.runsDocker = platform === "docker";
    if (this.runsDocker) this.role = ROLES.docker;
    this.parameters.set(
      `/iaso/${ENV}/deployment`,
      JSON.stringify({
        application: APPLICATION,
        platform,
        region: "eu-central-1",
        artifactsBucket: ARTIFACTS,
        ...(platform === "docker" && { imageRepository: APPLICATION }),
        staticBucket: STATIC,
        staticUrl: "https://static.example.org/",
        webUrl: url ?? "http://127.0.0.1:9",
        databaseIdentifier: "iaso-staging",
        queueUrl: `${url ?? "https://sqs.eu-central-1.amazonaws.com"}/123456789012/iaso-staging-tasks`,
      }),
    );
  }

  /** The pair, and environments around it that must never be touched. */
  addPair(label = PREVIOUS): void {
    const tags = { project: "iaso", env: "Staging", "managed-by": "pulumi" };
    const common = { application: APPLICATION, label, ...(this.runsDocker && { platformArn: DOCKER }) };
    const add = this.beanstalk.addEnvironment.bind(this.beanstalk);
    add({ ...common, name: "neighbour", tags: { project: "other", env: "staging", role: "web" } });
    add({ ...common, name: "iaso-staging", tags: { ...tags, role: "web" } });
    add({ ...common, name: "iaso-demo", tags: { ...tags, env: "demo", role: "web" } });
    add({
      ...common,
      name: "iaso-staging-worker",
      tier: "Worker",
      tags: { ...tags, role: "worker" },
      instances: 1,
    });
    add({ ...common, name: "untagged", tags: {} });
  }

  get web(): Beanstalk["environments"][number] {
    return this.environment("iaso-staging");
  }

  get worker(): Beanstalk["environments"][number] {
    return this.environment("iaso-staging-worker");
  }

  environment(name: string): Beanstalk["environments"][number] {
    const environment = this.beanstalk.environments.find(({ settings }) => settings.name === name);
    if (environment === undefined) throw new Error(`the double has no environment ${name}`);
    return environment;
  }

  /** New versions end like this on web and worker. */
  planNew(web: DeploymentEnd, worker: DeploymentEnd): void {
    this.beanstalk.planNew("iaso-staging", web);
    this.beanstalk.planNew("iaso-staging-worker", worker);
  }

  /** Does what arrives too late, as far as its time has come. */
  settle(): void {
    this.users?.advance();
    this.onSettle();
    for (;;) {
      const index = this.late.findIndex(({ at }) => at <= this.time.now);
      const [entry] = index === -1 ? [] : this.late.splice(index, 1);
      if (entry === undefined) return;
      ignoringRefusal(entry.act);
    }
  }

  /**
   * Records a call of any transport, then applies its planned fault or executes it.
   * @throws AwsFault if AWS refuses the call.
   */
  arrive<T>(service: string, operation: string, act: () => T): T | typeof SILENCE | typeof KILL {
    this.settle();
    const before = this.arrivals.get(operation) ?? 0;
    this.arrivals.set(operation, before + 1);
    const fault = this.faults.get(this.calls.length) ?? this.faultOn(operation, before);
    this.calls.push({ service, operation, at: this.time.now });
    if (this.time.now >= this.sessionEnd) throw expired(service);
    switch (fault) {
      case "error":
        throw new AwsFault("ValidationError", "The double was told to refuse this call.", 400);
      case "throttle":
        throw throttling(service);
      case "timeoutBefore":
        return SILENCE;
      case "timeoutAfter":
        ignoringRefusal(act);
        return SILENCE;
      case "timeoutLate":
        this.late.push({ at: this.time.now + LATE, act });
        return SILENCE;
      case "killBefore":
        return KILL;
      case "killAfter":
        ignoringRefusal(act);
        return KILL;
      case undefined:
        return act();
    }
  }

  /** Answers a request of any of the services. */
  handle(request: DoubleRequest): DoubleResponse | typeof SILENCE | typeof KILL {
    const service = serviceOf(request);
    if (service === "slack") {
      this.slack.push(request.body.toString());
      return { status: this.slackStatus, headers: {}, body: "ok" };
    }
    const call = this.further(service, request);
    if (call !== undefined && ["iaso", "unsigned"].includes(service)) return call.answer();
    if (service === "iaso") {
      return request.path === "/_health/" ? this.answerHealth() : this.answerTasks(request);
    }
    try {
      if (call !== undefined) return this.arrive(service, call.operation, call.answer);
      const addressed = service === "s3" ? { ...request, path: pathWithBucket(request) } : request;
      const operation = operationOf(service, addressed, this.s3);
      return this.arrive(service, operation, () => this.answer(service, operation, addressed));
    } catch (error) {
      if (error instanceof AwsFault) return failure(service, error);
      throw error;
    }
  }

  private answer(service: string, operation: string, request: DoubleRequest): DoubleResponse {
    if (service === "s3") return this.actOnS3(request);
    const text = request.body.toString();
    if (JSON_SERVICES.includes(service)) {
      return json(this.act(service, operation, toForm(JSON.parse(text) as Record<string, unknown>)));
    }
    const result = this.act(service, operation, new URLSearchParams(text));
    if (service === "ec2") return securityGroups(result);
    return query(operation, toXml(result, "member", ELEMENTS));
  }

  /** Does what a request to S3 asks for. @throws AwsFault if the role lacks a permission */
  actOnS3(request: DoubleRequest): DoubleResponse {
    authorize(this.role, "s3", neededForS3(this.s3.operation(request), request));
    return this.s3.handle(request);
  }

  /** Does what a call asks for, whichever protocol it came by. @throws AwsFault if the role lacks a permission */
  act(service: string, operation: string, form: URLSearchParams): Xml {
    authorize(this.role, service, neededPermissions(service, operation, form, this.beanstalk));
    switch (service) {
      case "elasticbeanstalk":
        return this.beanstalk.handle(operation, form);
      case "ecr":
        return this.ecr.handle(operation, form);
      case "rds":
        return this.rds.handle(operation, form);
      case "monitoring":
        return this.rds.metrics(form);
      case "ec2":
        return { SecurityGroups: [{ GroupId: DEFAULT_GROUP, IpPermissions: this.defaultGroupRules }] };
      case "ssm": {
        if (operation !== "GetParameter") return this.commands.handle(operation, form);
        const Name = form.get("Name") ?? "";
        const Value = this.parameters.get(Name);
        if (Value === undefined) throw new AwsFault("ParameterNotFound", "");
        const ARN = `arn:aws:ssm:eu-central-1:123456789012:parameter${Name}`;
        return { Parameter: { ARN, Name, Type: "String", Value } };
      }
      case "elasticloadbalancing":
        return this.balancing.handle(operation, form);
      case "sqs": {
        const name = form.get("QueueUrl")?.split("/").at(-1) ?? "";
        const other = this.queues.get(name);
        if (other === undefined && name !== `iaso-${ENV}-tasks`)
          throw new AwsFault("QueueDoesNotExist", "The specified queue does not exist.");
        if (other !== undefined) {
          return operation === "SetQueueAttributes"
            ? other.setAttributes(form)
            : other.getAttributes(form, () => 0);
        }
        if (operation === "SetQueueAttributes") return this.queue.setAttributes(form);
        return this.queue.getAttributes(
          form,
          () => (this.tasksInFlight.length > 1 ? this.tasksInFlight.shift() : this.tasksInFlight[0]) ?? 0,
        );
      }
      default:
        throw new AwsFault("UnknownOperation", `The double has no service ${service}.`);
    }
  }

  /** Iaso's health check: it answers 200 without a database too. */
  answerHealth(): DoubleResponse {
    this.settle();
    const routed = this.balancing.route("/_health/");
    if (routed !== "forward") {
      const { body, contentType, status } = routed;
      return { status, headers: { "content-type": contentType }, body };
    }
    if (!this.fits()) return json({ up: true, error: "column does not exist" });
    const database = this.rds.connect(this.rds.address(`iaso-${ENV}`));
    const works = database !== undefined && database.password === this.databasePassword;
    return json(works ? { up: true } : { up: true, error: "db_fail" });
  }

  private get databasePassword(): string | undefined {
    return this.parameters.get(`/iaso-secrets/${ENV}/RDS_PASSWORD`);
  }

  private answerTasks(request: DoubleRequest): DoubleResponse {
    const token = this.parameters.get(`/iaso-secrets/${ENV}/DEPLOY_API_TOKEN`);
    if (request.headers["authorization"] !== `Bearer ${String(token)}`) {
      return { status: 401, headers: {}, body: "{}" };
    }
    return json({ tasks: request.query.get("status") === "RUNNING" ? this.runningTasks : [] });
  }
}

/** The answer in EC2's protocol. */
function securityGroups({ SecurityGroups }: Xml): DoubleResponse {
  const items = (SecurityGroups as Xml[]).map(({ GroupId, IpPermissions }) => {
    const rules = (IpPermissions as Xml[]).map(() => "<item><ipProtocol>-1</ipProtocol></item>");
    return `<item><groupId>${GroupId as string}</groupId><ipPermissions>${rules.join("")}</ipPermissions></item>`;
  });
  const body = `<DescribeSecurityGroupsResponse><requestId>0</requestId><securityGroupInfo>${items.join("")}</securityGroupInfo></DescribeSecurityGroupsResponse>`;
  return { status: 200, headers: { "content-type": "text/xml" }, body };
}

/** Executes a call whose answer is lost, so that a refusal is lost too. */
function ignoringRefusal(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
  }
}

function serviceOf({ headers, path }: DoubleRequest): string {
  if (path.startsWith("/slack/")) return "slack";
  if (path.startsWith("/api/") || path === "/_health/") return "iaso";
  const scope = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(headers["authorization"] ?? "");
  return scope?.[1] ?? "unsigned";
}

function operationOf(service: string, request: DoubleRequest, s3: S3): string {
  if (service === "s3") return s3.operation(request);
  const target = request.headers["x-amz-target"];
  if (target !== undefined) return target.split(".").at(-1) ?? target;
  return new URLSearchParams(request.body.toString()).get("Action") ?? "";
}

function query(action: string, result: string): DoubleResponse {
  const body = `<${action}Response><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></${action}Response>`;
  return { status: 200, headers: { "content-type": "text/xml" }, body };
}

function json(value: unknown): DoubleResponse {
  return {
    status: 200,
    headers: { "content-type": "application/x-amz-json-1.0" },
    body: JSON.stringify(value),
  };
}

function throttling(service: string): AwsFault {
  if (service === "s3") return new AwsFault("SlowDown", "Please reduce your request rate.", 503);
  const code = JSON_SERVICES.includes(service) ? "ThrottlingException" : "Throttling";
  return new AwsFault(code, "Rate exceeded");
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html */
function expired(service: string): AwsFault {
  const isJson = JSON_SERVICES.includes(service);
  return new AwsFault(
    isJson ? "ExpiredTokenException" : "ExpiredToken",
    "The security token included in the request is expired",
    isJson || service === "s3" ? 400 : 403,
  );
}

function failure(service: string, { code, message, status }: AwsFault): DoubleResponse {
  if (service === "s3") {
    const body = `<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`;
    return { status, headers: { "content-type": "application/xml" }, body };
  }
  if (JSON_SERVICES.includes(service)) {
    const body = JSON.stringify({ __type: code, message });
    return { status, headers: { "content-type": "application/x-amz-json-1.1" }, body };
  }
  const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error><RequestId>0</RequestId></ErrorResponse>`;
  return { status, headers: { "content-type": "text/xml" }, body };
}
