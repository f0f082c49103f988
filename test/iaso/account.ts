import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type PreviewDocument } from "../../graph/document";
import { type AwsDouble } from "../deploy/double/aws";
import { type ScaledTime } from "../deploy/double/clocks";
import { type CliResult, runCli } from "../deploy/double/cli";
import { type RunningDouble, serveAccount } from "../deploy/double/server";
import { eventually, freePort } from "../http";
import { PostgreSql, serverPrograms } from "../deploy/postgres";
import { find, optionsOf, textOf } from "../support";

/** How much faster time passes for the deploy tool and the simulated Beanstalk. */
const FACTOR = 6;

/** Extensions that Iaso's migrations create. On RDS the master user may; elsewhere only a superuser. */
const EXTENSIONS = ["postgis", "pg_trgm", "citext", "ltree", "fuzzystrmatch"];

const ENVIRONMENT = "aws:elasticbeanstalk:application:environment ";
const SECRETS = "aws:elasticbeanstalk:application:environmentsecrets ";

/** The account: the deploy tool's doubles, moto's S3 and SQS, and a database. */
export class Account {
  readonly sqs: SQSClient;
  readonly s3: S3Client;

  private constructor(
    readonly document: PreviewDocument,
    readonly double: AwsDouble,
    private readonly running: RunningDouble,
    private readonly time: ScaledTime,
    private readonly moto: ChildProcess,
    readonly motoUrl: string,
    readonly database: PostgreSql,
    private readonly secrets: Readonly<Record<string, string>>,
  ) {
    const options = {
      region: "eu-central-1",
      endpoint: motoUrl,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    };
    this.sqs = new SQSClient(options);
    this.s3 = new S3Client({ ...options, forcePathStyle: true });
  }

  static async start(document: PreviewDocument): Promise<Account> {
    const { double, running, time } = await serveAccount(FACTOR);
    for (const environment of double.beanstalk.environments) {
      environment.settings.variables = plain(document, ENVIRONMENT);
    }
    const port = await freePort();
    const moto = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    const secrets = Object.fromEntries(
      Object.keys(plain(document, SECRETS)).map((name) => [name, secretOf(name)]),
    );
    const database = await startDatabase(plain(document, ENVIRONMENT), secrets);
    const motoUrl = `http://127.0.0.1:${port}`;
    const account = new Account(document, double, running, time, moto, motoUrl, database, secrets);
    await eventually(() => fetch(motoUrl));
    await account.createQueues();
    const bucket = account.properties["AWS_STORAGE_BUCKET_NAME"];
    const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" as const };
    await account.s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
    return account;
  }

  /** The properties of the web environment. */
  get properties(): Record<string, string> {
    return plain(this.document, ENVIRONMENT);
  }

  /** The variables of an instance: the environment's properties and secrets. */
  variablesOf(role: "web" | "worker"): Record<string, string> {
    return { ...plain(this.document, ENVIRONMENT, role), ...this.secrets };
  }

  /** The options of the worker's daemon. */
  get daemon(): Record<string, string> {
    return plain(this.document, "aws:elasticbeanstalk:sqsd ", "worker");
  }

  /** The queue at moto. */
  get queueUrl(): string {
    return `${this.motoUrl}/123456789012/${(this.properties["BEANSTALK_SQS_URL"] ?? "").split("/").at(-1) ?? ""}`;
  }

  get doubleUrl(): string {
    return this.running.url;
  }

  /** Runs the deploy tool. */
  deployTool(...args: string[]): Promise<CliResult> {
    // The build needs this machine's settings of package registries.
    const environment = Object.fromEntries(
      Object.entries(process.env).filter(([name, value]) => value !== undefined && !name.startsWith("AWS_")),
    ) as Record<string, string>;
    return runCli(this.running, this.time, args, { environment });
  }

  /** The number of messages among the dead letters. */
  async deadLetters(): Promise<number> {
    const { Attributes } = await this.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: `${this.queueUrl}-dead-letters`,
        AttributeNames: ["ApproximateNumberOfMessages"],
      }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages);
  }

  async stop(): Promise<void> {
    this.sqs.destroy();
    this.s3.destroy();
    this.moto.kill();
    await this.database.stop();
    await this.running.stop();
  }

  private async createQueues(): Promise<void> {
    for (const name of ["tasks-dead-letters", "tasks"]) {
      const { inputs } = find(this.document, "aws:sqs/queue:Queue", name);
      const attributes = {
        VisibilityTimeout: inputs["visibilityTimeoutSeconds"],
        MessageRetentionPeriod: inputs["messageRetentionSeconds"],
        RedrivePolicy: inputs["redrivePolicy"],
      };
      const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
      await this.sqs.send(
        new CreateQueueCommand({
          QueueName: textOf(inputs["name"]),
          Attributes: Object.fromEntries(given.map(([key, value]) => [key, textOf(value)])),
        }),
      );
    }
  }
}

function plain(document: PreviewDocument, prefix: string, role = "web"): Record<string, string> {
  const options = optionsOf(find(document, "aws:elasticbeanstalk/environment:Environment", role));
  return Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), textOf(value)]),
  );
}

/** A made-up secret in the form that the application expects. */
function secretOf(name: string): string {
  if (name === "SENTRY_URL") return "";
  // Iaso's key of encrypted fields is one of Fernet's: 32 bytes in base64.
  if (name === "ENCRYPTED_TEXT_FIELD_KEY") return Buffer.alloc(32, 7).toString("base64");
  return `only-in-this-test-${name.toLowerCase()}`;
}

/** Starts a database in which the application's user has the rights of RDS's master user, not of a superuser. */
async function startDatabase(
  properties: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): Promise<PostgreSql> {
  const programs = serverPrograms();
  if (programs === undefined) throw new Error("PostgreSQL is not installed.");
  const server = await PostgreSql.start(programs);
  const { RDS_DB_NAME: database = "", RDS_USERNAME: user = "" } = properties;
  server.query(`CREATE ROLE ${user} LOGIN CREATEDB CREATEROLE PASSWORD '${secrets["RDS_PASSWORD"] ?? ""}'`);
  server.query(`CREATE DATABASE ${database} OWNER ${user}`);
  for (const extension of EXTENSIONS) server.query(`CREATE EXTENSION ${extension}`, database);
  // From now on the application's user needs its password.
  const rules =
    "host all postgres 127.0.0.1/32 trust\nlocal all all scram-sha-256\nhost all all all scram-sha-256\n";
  writeFileSync(join(server.directory, "data/pg_hba.conf"), rules);
  server.query("SELECT pg_reload_conf()");
  chmodSync(server.directory, 0o755);
  return server;
}

/** A socket in the file system that leads to a port of this machine. */
export async function openSocket(path: string, port: number): Promise<Server> {
  const server = createServer((socket) => {
    const other = createConnection(port, "127.0.0.1");
    for (const [one, two] of [
      [socket, other],
      [other, socket],
    ] as const) {
      one.on("error", () => two.destroy());
      one.pipe(two);
    }
  });
  server.listen(path);
  await once(server, "listening");
  chmodSync(path, 0o666);
  return server;
}
