import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ARTIFACTS } from "../deploy/double/aws";
import { type Account, openSocket } from "./account";
import { Instance, makeCertificate } from "./instance";
import { Platform } from "./platform";
import { type Steps } from "./steps";

export interface HostingArgs {
  account: Account;
  /** A directory for the instances' files. */
  directory: string;
  /** The directory of Python 3.9. */
  python: string;
  steps: Steps;
  /** Gets what undoes each step, in order. */
  undo: (() => unknown)[];
}

/** The instances of an account: they reach its database, S3 and SQS, and nothing else. */
export class Hosting {
  private constructor(
    private readonly args: HostingArgs,
    private readonly hosts: readonly string[],
    /** The certificate that AWS's names, the application and the static files have. */
    readonly certificate: ReturnType<typeof makeCertificate>,
    /** Variables that stand for the instance profile and for a certificate that AWS's names have. */
    readonly extraVariables: Readonly<Record<string, string>>,
  ) {}

  static async start(args: HostingArgs): Promise<Hosting> {
    const { account, directory, undo } = args;
    const { properties } = account;
    const buckets = [properties["AWS_STORAGE_BUCKET_NAME"] ?? "", ARTIFACTS];
    const hosts = [
      properties["RDS_HOSTNAME"] ?? "",
      "sqs.eu-central-1.amazonaws.com",
      ...buckets.flatMap((name) => [`${name}.s3.amazonaws.com`, `${name}.s3.eu-central-1.amazonaws.com`]),
    ];
    const sites = ["SERVER_URL", "STATIC_URL"].map((name) => new URL(properties[name] ?? "").hostname);
    const certificate = makeCertificate(directory, [...hosts, ...sites]);
    mkdirSync(join(directory, "sockets"));
    for (const [name, url] of [
      ["moto", account.motoUrl],
      ["artifacts", account.doubleUrl],
    ] as const) {
      const socket = await openSocket(join(directory, "sockets", name), Number(new URL(url).port));
      undo.push(() => socket.close());
    }
    return new Hosting(args, hosts, certificate, {
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_CA_BUNDLE: certificate.certificate,
    });
  }

  /** The socket of an instance's nginx. */
  proxyOf(name: string): string {
    return join(this.args.directory, "sockets", name);
  }

  /** Starts an instance of an environment. */
  async instance(role: "web" | "worker", name: string = role): Promise<Platform> {
    const { account, directory, python, steps, undo } = this.args;
    const socket = (of: string): string => join(directory, "sockets", of);
    const instance = await Instance.start({
      name,
      directory: join(directory, name),
      python,
      hosts: this.hosts,
      tunnels: {
        ports: { 5432: join(account.database.directory, `.s.PGSQL.${account.database.port}`) },
        services: {
          "sqs.eu-central-1.amazonaws.com": socket("moto"),
          [`${account.properties["AWS_STORAGE_BUCKET_NAME"] ?? ""}.s3`]: socket("moto"),
          [`${ARTIFACTS}.s3`]: socket("artifacts"),
        },
        proxy: this.proxyOf(name),
        ...this.certificate,
      },
    });
    undo.push(() => instance.stop());
    return new Platform(instance, { ...account.variablesOf(role), ...this.extraVariables }, steps);
  }
}
