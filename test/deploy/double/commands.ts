import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { type Time } from "./clocks";
import { AwsFault, itemsOf, structuresOf, type Xml } from "./protocol";
import { extensionsOf, namesOfMigrations, type Rds, type SimulatedDatabase } from "./rds";

interface Invocation {
  id: string;
  instance: string;
  visibleAt: number;
  endsAt: number;
  script: string;
  /** The answer of a script that has ended. */
  answer?: Xml;
}

/** Run Command of Systems Manager, for the scripts that inspect a database and that migrate a copy. */
export class Commands {
  /** Instances that take commands: those with shell access. */
  online = ["i-0000000000000web"];
  /** The password that Iaso's instances have. */
  password = "the-password";
  /** The tables that the migrations of the other version create. */
  newTables = ["iaso_new"];
  /** The number of migrations in the running version of Iaso. */
  versionMigrations = 1;
  /** The bucket of media, and its files by their keys. */
  media: { bucket: string; files: () => Record<string, string> } | undefined;
  /** The addresses of the databases that were migrated. */
  readonly migrated: string[] = [];
  /** The instances of other environments that take commands, by the environment's name, and their password. */
  readonly others = new Map<string, { instances: string[]; password: string }>();
  private readonly invocations: Invocation[] = [];
  /** The results that the instance keeps, by the copy. */
  private readonly results = new Map<string, string>();

  constructor(
    private readonly time: Time,
    private readonly rds: Rds,
    /** Reads an object by a presigned address. */
    private readonly fetch: (url: URL) => Buffer,
  ) {}

  /** @throws AwsFault as Systems Manager does */
  handle(operation: string, form: URLSearchParams): Xml {
    switch (operation) {
      case "DescribeInstanceInformation": {
        const unknown = structuresOf(form, "Filters").find(
          (filter) => !filter.get("Key")?.startsWith("tag:"),
        );
        if (unknown !== undefined) throw new AwsFault("InvalidFilterKey", "");
        const named = structuresOf(form, "Filters").find(
          (filter) => filter.get("Key") === "tag:elasticbeanstalk:environment-name",
        );
        const found =
          named === undefined
            ? this.online
            : (this.others.get(itemsOf(named, "Values")[0] ?? "")?.instances ?? []);
        return { InstanceInformationList: found.map((InstanceId) => ({ InstanceId, PingStatus: "Online" })) };
      }
      case "SendCommand":
        return this.send(form);
      case "GetCommandInvocation":
        return this.show(form);
      default:
        throw new AwsFault("InvalidAction", `The double of Systems Manager has no ${operation}.`);
    }
  }

  private factsOf({ attributes, extensions, obstacles, postgisError }: SimulatedDatabase): string {
    const available = extensionsOf(String(attributes.EngineVersion));
    const lines = [
      ...Object.entries(extensions).map(
        ([name, version]) => `extension ${name} ${version} ${available[name] ?? "none"}`,
      ),
      ...Object.entries(obstacles).map(([name, count]) => `obstacle ${name} ${count}`),
      ...(postgisError === undefined ? [] : [`postgis-error ${postgisError}`]),
    ];
    return lines.map((line) => `${line}\n`).join("");
  }

  private passwordOf(instance: string): string | undefined {
    if (this.online.includes(instance)) return this.password;
    return [...this.others.values()].find(({ instances }) => instances.includes(instance))?.password;
  }

  private send(form: URLSearchParams): Xml {
    const [instance = ""] = itemsOf(form, "InstanceIds");
    if (this.passwordOf(instance) === undefined)
      throw new AwsFault("InvalidInstanceId", `Instances ${instance} not in a valid state`);
    if (form.get("DocumentName") !== "AWS-RunShellScript") throw new AwsFault("InvalidDocument", "");
    const script = itemsOf(form, "Parameters.commands").join("\n");
    const id = String(this.invocations.length + 1).padStart(36, "0");
    const { now } = this.time;
    this.invocations.push({ id, instance, script, visibleAt: now + 3_000, endsAt: now + 40_000 });
    return { Command: { CommandId: id, Status: "Pending" } };
  }

  private show(form: URLSearchParams): Xml {
    const found = this.invocations.find(({ id }) => id === form.get("CommandId"));
    if (found === undefined || found.visibleAt > this.time.now) {
      throw new AwsFault("InvocationDoesNotExist", "");
    }
    if (found.endsAt > this.time.now) return { Status: "InProgress", StatusDetails: "InProgress" };
    // A script whose answer nobody asks for runs too, such as the first of a request that was repeated.
    for (const one of this.invocations) {
      if (one.endsAt <= this.time.now) one.answer ??= this.execute(one);
    }
    return found.answer ?? {};
  }

  private execute({ instance, script }: Invocation): Xml {
    if (/^url=/m.test(script)) return this.migrate(script);
    if (/^export AWS_DEFAULT_REGION=eu-central-1$/m.test(script)) return this.useMedia(script);
    const host = /RDS_HOSTNAME=(\S+)/.exec(script)?.[1] ?? "";
    const database = this.open(host, this.passwordOf(instance));
    if (typeof database === "string") return failed(database);
    const program = Buffer.from(/echo (\S+) \| base64/.exec(script)?.[1] ?? "", "base64").toString();
    if (program.includes("pg_stat_user_tables")) {
      const StandardOutputContent = `writes ${database.history.length}\n`;
      return { Status: "Success", StatusDetails: "Success", StandardOutputContent };
    }
    if (program.includes('"ANALYZE"')) {
      database.hasStatistics = true;
      return { Status: "Success", StatusDetails: "Success", StandardOutputContent: "analyzed\n" };
    }
    if (program.includes("MigrationExecutor")) {
      const version = namesOfMigrations(this.versionMigrations);
      const applied = this.rds.migrationsOf(database);
      const lacking = version.filter((one) => !applied.includes(one));
      const more = applied.filter((one) => !version.includes(one));
      const StandardOutputContent = `lacking ${encode(lacking)}\nmore ${encode(more)}\n`;
      return { Status: "Success", StatusDetails: "Success", StandardOutputContent };
    }
    if (program.includes("django_migrations")) {
      const StandardOutputContent = `migrations ${encode(this.rds.migrationsOf(database))}\n`;
      return { Status: "Success", StatusDetails: "Success", StandardOutputContent };
    }
    const rows = Object.entries(this.rds.rowsOf(database)).map(
      ([table, count]) => `rows ${table} ${count}\n`,
    );
    return {
      Status: "Success",
      StatusDetails: "Success",
      StandardOutputContent: `${this.factsOf(database)}${rows.join("")}inspected\n`,
    };
  }

  /** Runs the AWS CLI with the instance's role, which reaches files of the environment's media. */
  private useMedia(script: string): Xml {
    const [, bucket, key = ""] = /s3:\/\/([\w-]+)\/([\w./-]+)/.exec(script) ?? [];
    if (this.media === undefined || bucket !== this.media.bucket) return failed("Access Denied");
    const files = this.media.files();
    const [, written] = /printf %s '(.*)' \| aws s3 cp --only-show-errors - s3:/.exec(script) ?? [];
    let output = "";
    if (written !== undefined) files[key] = written;
    else if (/^aws s3 rm /m.test(script)) Reflect.deleteProperty(files, key);
    else output = `file ${files[key] ?? "none"}\n`;
    return { Status: "Success", StatusDetails: "Success", StandardOutputContent: output };
  }

  /** The database at an address, or why it refuses the instances. */
  private open(host: string, password = this.password): SimulatedDatabase | string {
    const database = this.rds.connect(host);
    if (database === undefined) return `${host}: could not connect`;
    return database.password === password ? database : `${host}: password authentication failed`;
  }

  private migrate(script: string): Xml {
    const [copy, host, url, digest] = ["copy", "host", "url", "digest"].map(
      (name) => new RegExp(`^${name}='(.*)'$`, "m").exec(script)?.[1] ?? "",
    ) as [string, string, string, string];
    let result = this.results.get(copy);
    if (result === undefined) {
      let bundle: Buffer;
      try {
        bundle = this.fetch(new URL(url));
      } catch (error) {
        return failed(`curl: (22) The requested URL returned error: ${String(error)}`);
      }
      if (digest === "" || !createHash("sha256").update(bundle).digest("hex").startsWith(digest)) {
        return failed("The bundle has another digest than the label of the version.");
      }
      const database = this.open(host);
      if (typeof database === "string") return failed(database);
      const added = Object.fromEntries(this.newTables.map((table) => [table, 0]));
      this.rds.write(database, { ...this.rds.rowsOf(database), ...added });
      this.migrated.push(host);
      result = `migrated ${this.newTables.length} 95 130\n`;
      this.results.set(copy, result);
    }
    return { Status: "Success", StatusDetails: "Success", StandardOutputContent: result };
  }
}

function encode(names: readonly string[]): string {
  return deflateSync(names.join("\n")).toString("base64");
}

function failed(error: string): Xml {
  return { Status: "Failed", StatusDetails: "Failed", StandardErrorContent: `Traceback\n${error}` };
}
