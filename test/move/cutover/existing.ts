import { type AwsDouble, ENV } from "../../deploy/double/aws";
import { Queue } from "../../deploy/double/queue";
import type { SimulatedDatabase } from "../../deploy/double/rds";
import { type Random } from "../../deploy/double/random";
import type { ZoneDouble } from "../double/account";

export const APPLICATION = "Iaso";
export const OLD = "iaso-old";
export const OLD_DATABASE = "old-iaso";
export const OLD_BALANCER = "app/awseb-OLD/fedcba9876543210";
export const OLD_QUEUE = "old-iaso-tasks";
export const HOST = "iaso.example.org";
export const CNAMES = {
  web: "example-iaso-staging.eu-central-1.elasticbeanstalk.com",
  enketo: "example-iaso-staging-enketo.eu-central-1.elasticbeanstalk.com",
};

const BALANCING = "arn:aws:elasticloadbalancing:eu-central-1:123456789012";
const ENDPOINT = "awseb-OLD-987654321.eu-central-1.elb.amazonaws.com";
export const LISTENERS = [80, 443].map(
  (port) => `${BALANCING}:listener/${OLD_BALANCER}/${port}aaaaaaaaaaaaa`,
);

const QUEUE_ARN = `arn:aws:sqs:eu-central-1:123456789012:${OLD_QUEUE}`;
/** Written by hand: with spaces, an own order, one statement without a list, and no version. */
export const OLD_POLICY = `{
  "Id": "made-by-hand",
  "Statement": { "Sid": "Own", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "${QUEUE_ARN}" }
}`;

/** Rows of the table of migrations: those of the existing version, and those that the new version needs. */
const MIGRATIONS = "django_migrations";
const NEW_TABLES = 2;

/** Milliseconds between two looks at what users and workers do. */
const TICK = 10_000;
const LONGEST_REQUEST = 50_000;
const LONGEST_TASK = 200_000;

/** An existing Iaso in the account of a double, whose users follow the DNS record of its host. */
export class ExistingIaso {
  readonly database: SimulatedDatabase;
  readonly queue: Queue;
  readonly zone: ZoneDouble;
  readonly media = { existing: new Set(["forms/1.xml"]), copied: new Set<string>() };
  /** Writes that Iaso has confirmed, on whichever side. */
  readonly confirmed = { iaso_orgunit: 40, iaso_task: 5 };
  /** Requests that got the maintenance page. */
  refused = 0;
  /** The longest time of a request, in milliseconds. */
  longestRequest = LONGEST_REQUEST;
  /** Requests that a platform answered without a fitting database. */
  failures: string[] = [];
  private readonly before: string;
  private last: number;
  /** The time since which the site is closed. */
  private closedSince = Infinity;
  private pending: { at: number; table: "iaso_orgunit" | "iaso_task"; database: SimulatedDatabase }[] = [];

  constructor(
    private readonly double: AwsDouble,
    private readonly random: Random,
    queueOrigin = "https://sqs.eu-central-1.amazonaws.com",
  ) {
    const { balancing, beanstalk, commands, queues, rds, time } = double;
    const queueUrl = `${queueOrigin}/123456789012/${OLD_QUEUE}`;
    const variables = {
      AWS_STORAGE_BUCKET_NAME: "old-iaso-media",
      DNS_DOMAIN: HOST,
      RDS_HOSTNAME: rds.address(OLD_DATABASE),
      RDS_USERNAME: "iaso",
      RDS_PASSWORD: "LeakMarkOldDatabase",
      SECRET_KEY: "LeakMarkSecretKey",
    };
    const options = { "aws:elasticbeanstalk:environment LoadBalancerType": "application" };
    const common = { application: APPLICATION, label: "2026.08", variables, options, tags: {} };
    beanstalk.addEnvironment({ ...common, name: OLD, endpoint: ENDPOINT, cname: "iaso-old.example" });
    beanstalk.addEnvironment({ ...common, name: `${OLD}-worker`, tier: "Worker", queueUrl });
    const others = { application: "Enketo", label: "4.1.1", tags: {} };
    beanstalk.addEnvironment({ ...others, name: `iaso-${ENV}-enketo`, cname: CNAMES.enketo });
    double.web.settings.cname = CNAMES.web;
    this.database = rds.addInstance(OLD_DATABASE, { ...this.confirmed, [MIGRATIONS]: 1 });
    Object.assign(this.database.attributes, { StorageEncrypted: false });
    this.database.password = "LeakMarkOldDatabase";
    commands.others.set(OLD, { instances: ["i-existing0"], password: "LeakMarkOldDatabase" });
    balancing.balancers.push({
      arn: `${BALANCING}:loadbalancer/${OLD_BALANCER}`,
      dnsName: ENDPOINT.toLowerCase(),
      listeners: LISTENERS.map((arn, index) => ({
        arn,
        port: index === 0 ? 80 : 443,
        ...(index === 1 && { targetGroup: `${BALANCING}:targetgroup/awseb-OLD/0123456789abcdef` }),
      })),
    });
    balancing.addForeign(10, LISTENERS[1]);
    this.queue = new Queue(time, QUEUE_ARN, OLD_POLICY);
    queues.set(OLD_QUEUE, this.queue);
    this.queue.waiting = 3;
    this.zone = {
      id: "Z0EXAMPLE",
      name: "example.org",
      isPrivate: false,
      records: [
        { name: HOST, type: "A", target: `dualstack.${ENDPOINT}`.toLowerCase(), alias: "Z215JYRZR1TBD5" },
        { name: "enketo.example.org", type: "CNAME", target: "enketo-old.example" },
      ],
    };
    this.before = this.shown();
    this.last = time.now;
    rds.write(double.rds.named(`iaso-${ENV}`)!, { iaso_orgunit: 1, [MIGRATIONS]: NEW_TABLES });
    double.onSettle = () => {
      this.advance();
    };
    beanstalk.onDeploy = () => {
      this.migrate();
    };
    double.fits = () => {
      const serving = this.serving();
      return serving !== undefined && rds.rowsOf(serving)[MIGRATIONS] === NEW_TABLES;
    };
  }

  /** Everything of the existing side that a cutover may touch. */
  private shown(): string {
    const { balancing, rds } = this.double;
    const { records } = this.zone;
    const { attributes, groups, name, password } = this.database;
    const rules = balancing.rules.filter(
      (rule) => LISTENERS.includes(rule.listener) && balancing.existing().includes(rule),
    );
    const database = { attributes, groups, name, password, isThere: rds.existing().includes(this.database) };
    return JSON.stringify([rules, this.queue.policy, records, database]);
  }

  /** True if the existing side is exactly as it was at first. */
  get isAsBefore(): boolean {
    return this.shown() === this.before && this.isOpen && this.queue.isOpen;
  }

  /** True if the record of the host leads to the new platform. */
  get isMoved(): boolean {
    return this.zone.records.some(({ name, target }) => name === HOST && target === CNAMES.web);
  }

  get isOpen(): boolean {
    return LISTENERS.some(
      (listener) => this.double.balancing.route("/api/orgunits/", listener) === "forward",
    );
  }

  /** The database that the new platform reaches with its password. */
  serving(): SimulatedDatabase | undefined {
    const { parameters, rds } = this.double;
    const found = rds.connect(rds.address(`iaso-${ENV}`));
    return found?.password === parameters.get(`/iaso-secrets/${ENV}/RDS_PASSWORD`) ? found : undefined;
  }

  private migrate(): void {
    const serving = this.serving();
    if (serving === undefined) return;
    const rows = this.double.rds.rowsOf(serving);
    this.double.rds.write(serving, { ...rows, [MIGRATIONS]: NEW_TABLES });
  }

  private advance(): void {
    const { time } = this.double;
    const now = time.now;
    while (this.last + TICK <= now) {
      this.last += TICK;
      time.now = this.last;
      this.double.web.settle();
      this.double.worker.settle();
      this.commit();
      this.arrive();
    }
    time.now = now;
    this.commit();
  }

  private arrive(): void {
    const { double, queue, random } = this;
    const { now } = double.time;
    const soon = (
      table: "iaso_orgunit" | "iaso_task",
      database: SimulatedDatabase,
      longest: number,
    ): number => {
      const at = now + random.below(longest);
      this.pending.push({ at, table, database });
      return at;
    };
    // Resolvers keep the old record for a while, so some users go on to the existing site.
    if (this.isOpen) {
      soon("iaso_orgunit", this.database, this.longestRequest);
      if (this.isMoved) this.failures.push("both sides take writes");
    } else if (!this.isMoved) this.refused += 1;
    if (this.isMoved) {
      const serving = this.serving();
      if (serving === undefined || !double.fits()) this.failures.push("the new platform does not work");
      else soon("iaso_orgunit", serving, 1);
    }
    queue.inFlight = queue.inFlight.filter((until) => until > now);
    if (queue.isOpen && queue.waiting > 0 && queue.inFlight.length === 0) {
      queue.waiting -= 1;
      queue.inFlight.push(soon("iaso_task", this.database, LONGEST_TASK));
    }
    if (random.chance(0.02)) queue.waiting += 1;
    const serving = this.serving();
    this.closedSince = this.isOpen ? Infinity : Math.min(this.closedSince, now);
    const isLast = serving !== undefined && serving.createdAt > this.closedSince;
    if (isLast && !this.isMoved && double.queue.isOpen)
      this.failures.push("the new worker acts before the cutover");
  }

  private commit(): void {
    const { double } = this;
    const due = this.pending.filter(({ at }) => at <= double.time.now);
    this.pending = this.pending.filter(({ at }) => at > double.time.now);
    for (const { database, table } of due) {
      const rows = double.rds.rowsOf(database);
      this.confirmed[table] += 1;
      if (database === this.database) this.media.existing.add(`instances/${this.confirmed.iaso_orgunit}.jpg`);
      double.rds.write(database, { ...rows, [table]: (rows[table] ?? 0) + 1 });
    }
  }
}
