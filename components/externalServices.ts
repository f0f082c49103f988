import * as pulumi from "@pulumi/pulumi";
import { EmailArgs } from "./beanstalk/applicationEnvironment";
import { MailRecords } from "./dns";

export interface ExternalServicesArgs {
  sentry: {
    /** DSN of Iaso's project at Sentry. */
    dsn: pulumi.Output<string>;
  };
  /** The mail server that Iaso sends through, with the user's password. */
  mail: EmailArgs & { password: pulumi.Output<string> };
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
  /** The mail server without the password, for the environment variables. */
  readonly email: EmailArgs;
  /** Records for {@link Dns}, if Mailgun sends mail. */
  readonly dnsRecords?: MailRecords;
  /** Secret environment variables by name. */
  readonly secrets: { EMAIL_HOST_PASSWORD: pulumi.Output<string>; SENTRY_URL: pulumi.Output<string> };

  constructor(name: string, args: ExternalServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:ExternalServices", name, {}, opts);
    const { password, ...email } = args.mail;
    this.email = email;
    this.dnsRecords = args.mailgun;
    this.secrets = { EMAIL_HOST_PASSWORD: password, SENTRY_URL: args.sentry.dsn };
    this.registerOutputs({ mailHost: email.host, mailDomain: args.mailgun?.domain });
  }
}
