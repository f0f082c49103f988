import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** A host name for a Beanstalk environment. */
export interface EnvironmentRecord {
  /**
   * The host name. **Changing it replaces the record.**
   *
   * @example "iaso.example.org"
   */
  host: string;
  /** The environment's own domain, in `elasticbeanstalk.com`. */
  cname: pulumi.Input<string>;
}

/** The records that Mailgun checks before it sends and receives for a domain. */
export interface MailRecords {
  /**
   * Domain of the senders' addresses. **Changing it replaces the records.**
   *
   * @example "mg.example.org"
   */
  domain: string;
  /**
   * Selector of the DKIM key, as Mailgun shows it.
   *
   * @example "mx"
   */
  dkimSelector: string;
  /**
   * Content of the DKIM record, as Mailgun shows it.
   *
   * @example "k=rsa; p=MIGfMA0GCSq..."
   */
  dkimRecord: string;
  /** Mailgun's region. The names of its servers depend on it. */
  region: "us" | "eu";
}

export interface DnsArgs {
  /** Id of the Route 53 hosted zone for all records. **Changing it replaces the records.** */
  zoneId: pulumi.Input<string>;
  /** Id of the hosted zone of Beanstalk's domains in this region. */
  beanstalkZoneId: pulumi.Input<string>;
  web: EnvironmentRecord;
  enketo: EnvironmentRecord;
  /**
   * The host name of the static files and its CloudFront distribution.
   *
   * @default No record: browsers load static files from S3.
   */
  staticHost?: { host: string; distribution: aws.cloudfront.Distribution };
  /**
   * Records for Mailgun.
   *
   * @default No records: mail goes through another provider.
   */
  mail?: MailRecords;
}

const TTL_SECONDS = 3600;

/** Length of the longest string in a TXT record. A record can hold several strings. */
const TXT_STRING_LENGTH = 255;

/**
 * The DNS records of the platform, in an existing hosted zone.
 *
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-to-beanstalk-environment.html
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/domains/domains-verify
 */
export class Dns extends pulumi.ComponentResource {
  constructor(
    name: string,
    private readonly args: DnsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:Dns", name, {}, opts);
    const { web, enketo, staticHost, mail, beanstalkZoneId } = args;

    this.createAlias("web", web.host, web.cname, beanstalkZoneId);
    this.createAlias("enketo", enketo.host, enketo.cname, beanstalkZoneId);
    if (staticHost !== undefined) {
      const { host, distribution } = staticHost;
      for (const type of ["A", "AAAA"] as const) {
        this.createAlias(`static-${type}`, host, distribution.domainName, distribution.hostedZoneId, type);
      }
    }
    if (mail !== undefined) this.createMailRecords(mail);
    this.registerOutputs({});
  }

  private createAlias(
    key: string,
    host: string,
    target: pulumi.Input<string>,
    targetZone: pulumi.Input<string>,
    type: "A" | "AAAA" = "A",
  ): void {
    new aws.route53.Record(
      key,
      {
        zoneId: this.args.zoneId,
        name: host,
        type,
        aliases: [{ name: target, zoneId: targetZone, evaluateTargetHealth: false }],
      },
      { parent: this },
    );
  }

  private createMailRecords({ domain, dkimSelector, dkimRecord, region }: MailRecords): void {
    const suffix = region === "eu" ? "eu.mailgun.org" : "mailgun.org";
    const { dkim, tracking } = mailNames({ domain, dkimSelector });
    this.createRecord("mail-spf", domain, "TXT", ["v=spf1 include:mailgun.org ~all"]);
    this.createRecord("mail-dkim", dkim, "TXT", [txtValue(dkimRecord)]);
    this.createRecord("mail-mx", domain, "MX", [`10 mxa.${suffix}`, `10 mxb.${suffix}`]);
    this.createRecord("mail-tracking", tracking, "CNAME", [suffix]);
  }

  private createRecord(key: string, name: string, type: "TXT" | "MX" | "CNAME", records: string[]): void {
    new aws.route53.Record(
      key,
      { zoneId: this.args.zoneId, name, type, records, ttl: TTL_SECONDS },
      { parent: this },
    );
  }
}

const mailNames = ({ domain, dkimSelector }: Pick<MailRecords, "domain" | "dkimSelector">) => ({
  domain,
  dkim: `${dkimSelector}._domainkey.${domain}`,
  tracking: `email.${domain}`,
});

/** Returns the names of the records for Mailgun. */
export const mailRecordNames = (records: MailRecords): string[] => Object.values(mailNames(records));

/**
 * Returns a text as the provider writes the value of a TXT record: strings of at most 255 characters, joined by `""`.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/route53_record#records-1
 */
export function txtValue(text: string): string {
  return text.match(new RegExp(`.{1,${TXT_STRING_LENGTH}}`, "g"))?.join('""') ?? text;
}
