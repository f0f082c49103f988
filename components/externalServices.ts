import * as pulumi from "@pulumi/pulumi";
import { EmailArgs } from "./beanstalk/applicationEnvironment";
import { MailRecords } from "./dns";

export interface ExternalServicesArgs {
  sentry: {
    /** The DSN of Iaso's Sentry project. */
    dsn: pulumi.Output<string>;
  };
  mail: EmailArgs & { password: pulumi.Output<string> };
  /** Set where the mail server is Mailgun's. */
  mailgun?: MailRecords;
}

/**
 * The services outside AWS: Sentry takes errors, Mailgun sends mail. Nothing is created for them here; this part
 * says in one place what they ask of the others: plain settings for the application's environment, secrets for
 * the parameters, records for DNS.
 */
export class ExternalServices extends pulumi.ComponentResource {
  readonly email: EmailArgs;
  readonly dnsRecords?: MailRecords;
  /** Secret variables by name. */
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
