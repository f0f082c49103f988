import { type AwsDouble, ENV, PREVIOUS } from "./aws";
import { type Random } from "./random";
import { type SimulatedDatabase } from "./rds";

/** Milliseconds between two looks at what users and the worker do. */
const TICK = 10_000;
/** The longest time from the arrival of a request to its commit, in milliseconds. */
const LONGEST_REQUEST = 50_000;
const LONGEST_TASK = 200_000;

/** The table of migrations: its rows are the version of the tables. */
const MIGRATIONS = "django_migrations";
const OLD_TABLES = 1;
const NEW_TABLES = 2;

interface Write {
  at: number;
  table: "iaso_orgunit" | "iaso_task";
  /** The version that executes it. */
  label: string;
}

/**
 * Users who write while the site is open, a worker that runs tasks while the queue is open, and migrations that are by
 * default not compatible with the previous version: each version works only on its own tables.
 */
export class Users {
  /** Writes that Iaso has confirmed, by table. */
  readonly confirmed = { iaso_orgunit: 0, iaso_task: 0 };
  /** Requests that failed because the version that served did not fit the tables. */
  failures = 0;
  /** Requests that got the maintenance page. */
  refused = 0;
  /** True if the previous version works on the new tables too. */
  compatible = false;
  private last: number;
  private writes: Write[] = [];

  constructor(
    private readonly double: AwsDouble,
    private readonly random: Random,
  ) {
    this.last = double.time.now;
    double.rds.write(this.database!, { iaso_orgunit: 0, iaso_task: 0, [MIGRATIONS]: OLD_TABLES });
    double.queue.waiting = 3;
    double.beanstalk.onDeploy = (label) => {
      this.migrate(label);
    };
  }

  /** A request that arrives now and ends after some milliseconds. */
  begin(milliseconds: number): void {
    const { now } = this.double.time;
    this.writes.push({ at: now + milliseconds, table: "iaso_orgunit", label: PREVIOUS });
  }

  private get database(): SimulatedDatabase | undefined {
    const { rds } = this.double;
    return rds.connect(rds.address(`iaso-${ENV}`));
  }

  /** The version of the tables that a version of Iaso needs. */
  private tablesOf(label: string): number {
    return label === PREVIOUS ? OLD_TABLES : NEW_TABLES;
  }

  private works(label: string, tables: number | undefined): boolean {
    return (
      tables === this.tablesOf(label) ||
      (this.compatible && tables !== undefined && tables > this.tablesOf(label))
    );
  }

  private migrate(label: string): void {
    const { database, double } = this;
    if (database === undefined) return;
    const rows = double.rds.rowsOf(database);
    // An older version finds no migrations to apply.
    if ((rows[MIGRATIONS] ?? 0) < this.tablesOf(label)) {
      double.rds.write(database, { ...rows, [MIGRATIONS]: this.tablesOf(label) });
    }
  }

  /** True if every version that serves fits the tables. */
  get fits(): boolean {
    const { database, double } = this;
    if (database === undefined) return false;
    const tables = double.rds.rowsOf(database)[MIGRATIONS];
    const { health, instances } = double.web.truth;
    return health !== "Severe" && instances.every(({ label }) => this.works(label, tables));
  }

  /** Does what happens up to the double's time. */
  advance(): void {
    const { double } = this;
    const { time } = double;
    const now = time.now;
    while (this.last + TICK <= now) {
      this.last += TICK;
      time.now = this.last;
      double.web.settle();
      double.worker.settle();
      this.commit();
      this.arrive();
    }
    time.now = now;
    this.commit();
  }

  private arrive(): void {
    const { double, random } = this;
    const now = double.time.now;
    if (double.balancing.route("/api/orgunits/") === "forward") {
      const { instances } = double.web.truth;
      const { label } = random.pick(instances);
      this.writes.push({ at: now + random.below(LONGEST_REQUEST), table: "iaso_orgunit", label });
    } else this.refused += 1;
    const { queue } = double;
    queue.inFlight = queue.inFlight.filter((until) => until > now);
    if (queue.isOpen && queue.waiting > 0 && queue.inFlight.length === 0) {
      queue.waiting -= 1;
      const until = now + random.below(LONGEST_TASK);
      queue.inFlight.push(until);
      this.writes.push({
        at: until,
        table: "iaso_task",
        label: random.pick(double.worker.truth.instances).label,
      });
    }
    // The leader among the workers schedules periodic tasks.
    if (random.chance(0.02)) queue.waiting += 1;
  }

  private commit(): void {
    const { double } = this;
    const now = double.time.now;
    const due = this.writes.filter(({ at }) => at <= now);
    this.writes = this.writes.filter(({ at }) => at > now);
    for (const { label, table } of due) {
      const { database } = this;
      const rows = database === undefined ? {} : double.rds.rowsOf(database);
      if (database === undefined || !this.works(label, rows[MIGRATIONS])) {
        this.failures += 1;
        continue;
      }
      this.confirmed[table] += 1;
      double.rds.write(database, { ...rows, [table]: (rows[table] ?? 0) + 1 });
    }
  }
}
