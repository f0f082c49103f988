import { checks } from "../../doctor/checks";
import { createClients } from "../../doctor/clients";
import { Context } from "../../doctor/context";
import { Dns } from "../../doctor/dns";
import { type CheckReport, exitCodeOf, runChecks } from "../../doctor/run";
import { readStack, type Stack } from "../../doctor/stack";
import { readProject } from "../../preview/project";
import { exampleProject } from "../support";
import { Account, NAME_SERVERS } from "./double/account";
import { type AwsServer, serveAws } from "./double/aws";
import { type DnsRecords, type DnsServer, serveDns } from "./double/dns";
import { serveSmtp, type SmtpServer } from "./double/smtp";

export const NOW = new Date("2026-11-25T12:00:00Z");

/** The parts outside the account: DNS, the mail server, and the static files as browsers get them. */
export interface World {
  account: Account;
  dns: Record<string, DnsRecords[string] | "SERVFAIL">;
  smtpExtensions: string[];
  /** The HTTP status of a static file; undefined if the host cannot be reached. */
  staticStatus: number | undefined;
  /** URLs that were fetched. */
  fetched: string[];
}

/** An AWS account, a DNS server and a mail server on loopback, and the doctor that looks at them. */
export class Lab {
  world!: World;
  aws!: AwsServer;
  dns!: DnsServer;
  smtp!: SmtpServer;
  private readonly environment = { ...process.env };

  /** @param smtpPort The mail server's port, any free one by default. */
  async start(smtpPort = 0): Promise<void> {
    this.aws = await serveAws(() => this.world.account);
    this.dns = await serveDns(() => this.world.dns);
    this.smtp = await serveSmtp(() => this.world.smtpExtensions, smtpPort);
    Object.assign(process.env, this.variables());
    delete process.env["AWS_PROFILE"];
  }

  async stop(): Promise<void> {
    await this.aws.stop();
    this.dns.stop();
    this.smtp.stop();
    for (const name of Object.keys(this.variables())) {
      const value = this.environment[name];
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }

  /** Variables that point the SDK at the double. */
  variables(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.aws.url,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
      AWS_EC2_METADATA_DISABLED: "true",
    };
  }

  /** The settings of one of the tests' stacks, with the mail server's port replaced by the double's. */
  stack(name: string, changes: Partial<Stack> = {}): Stack {
    const stack = readStack(exampleProject(), name);
    return { ...stack, mail: { ...stack.mail, port: this.smtp.port }, ...changes };
  }

  /** The settings of a stack of a project folder. */
  stackIn(directory: string, name: string): Stack {
    return readStack(readProject(directory), name);
  }

  /** The world in which nothing is wrong with a stack, before its first update or after a deployment. */
  healthy(stack: Stack, exists: boolean): World {
    const account = new Account(stack);
    if (exists) account.addStack(stack, NOW);
    const { host, mailgun } = stack.mail;
    return (this.world = {
      account,
      smtpExtensions: ["SIZE 1000", "STARTTLS", "HELP"],
      staticStatus: 200,
      fetched: [],
      dns: {
        [stack.hostedZone]: { NS: NAME_SERVERS.toReversed().map((server) => server.toUpperCase()) },
        [host]: { A: ["127.0.0.1"] },
        ...(mailgun !== undefined &&
          exists && {
            [mailgun.domain]: {
              TXT: ["v=spf1 include:mailgun.org ~all"],
              MX: ["10 mxa.eu.mailgun.org", "10 mxb.eu.mailgun.org"],
            },
            [`${mailgun.dkimSelector}._domainkey.${mailgun.domain}`]: { TXT: [mailgun.dkimRecord] },
          }),
      },
    });
  }

  /** Runs all checks in this process. */
  async examine(stack: Stack): Promise<{ reports: CheckReport[]; exitCode: number }> {
    const context = new Context({
      stack,
      clients: createClients(stack.region, { delay: () => 0 }),
      dns: new Dns(this.dns.address),
      fetch: (url) => this.fetch(url as string),
      now: NOW,
    });
    const reports = await runChecks(context, checks);
    return { reports, exitCode: exitCodeOf(reports) };
  }

  private fetch(url: string): Promise<Response> {
    const { fetched, staticStatus } = this.world;
    fetched.push(url);
    if (staticStatus === undefined) return Promise.reject(new TypeError("fetch failed"));
    return Promise.resolve(new Response(null, { status: staticStatus }));
  }
}
