import * as pulumi from "@pulumi/pulumi";
import { EmailArgs } from "./beanstalk/applicationEnvironment";
import { MailRecords } from "./dns";

export interface ExternalServicesArgs {
  /** The mail server that Iaso sends through. */
  mail: EmailArgs;
  /**
   * DNS records that Mailgun asks for.
   *
   * @default No records: mail goes through another provider.
   */
  mailgun?: MailRecords;
}

/**
 * The services outside AWS: Sentry receives errors, Mailgun sends mail. This component creates nothing there. It shows
 * in one place what these services need: environment variables, secrets and DNS records.
 */
export class ExternalServices extends pulumi.ComponentResource {
  /** The mail server, for the environment variables. */
  readonly email: EmailArgs;
  /** Records for {@link Dns}, if Mailgun sends mail. */
  readonly dnsRecords?: MailRecords;
  /** Names of the secret environment variables: the password at the mail server, and the DSN of Iaso's project at Sentry. */
  readonly secrets = ["EMAIL_HOST_PASSWORD", "SENTRY_URL"];

  constructor(name: string, args: ExternalServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:ExternalServices", name, {}, opts);
    this.email = args.mail;
    this.dnsRecords = args.mailgun;
    this.registerOutputs({ mailHost: args.mail.host, mailDomain: args.mailgun?.domain });
  }
}
