import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** A name that points to a Beanstalk environment. */
export interface EnvironmentRecord {
  host: string;
  /** The environment's CNAME in `elasticbeanstalk.com`. */
  cname: pulumi.Input<string>;
}

/** What Mailgun asks for before it sends and receives for a domain. */
export interface MailRecords {
  /** The domain that mail is sent from, such as `mg.example.org`. */
  domain: string;
  /** Selector of the DKIM key, such as `mx`. */
  dkimSelector: string;
  /** Content of the DKIM record, as Mailgun shows it: `k=rsa; p=...`. */
  dkimRecord: string;
  /** `us` or `eu`: Mailgun's region decides on the names of its servers. */
  region: "us" | "eu";
}

export interface DnsArgs {
  zoneId: pulumi.Input<string>;
  /** Id of the zone in which Beanstalk's CNAMEs of this region live. */
  beanstalkZoneId: pulumi.Input<string>;
  web: EnvironmentRecord;
  enketo: EnvironmentRecord;
  /** The CloudFront distribution of the static host, where there is one. */
  staticHost?: { host: string; distribution: aws.cloudfront.Distribution };
  /** Absent where mail is sent by another provider than Mailgun. */
  mail?: MailRecords;
}

const TTL_SECONDS = 3600;

/** The longest string that a TXT record can hold; a longer text is several strings. */
const TXT_STRING_LENGTH = 255;

/**
 * The platform's records in an existing zone.
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

    this.alias("web", web.host, web.cname, beanstalkZoneId);
    this.alias("enketo", enketo.host, enketo.cname, beanstalkZoneId);
    if (staticHost !== undefined) {
      const { host, distribution } = staticHost;
      for (const type of ["A", "AAAA"] as const) {
        this.alias(`static-${type}`, host, distribution.domainName, distribution.hostedZoneId, type);
      }
    }
    if (mail !== undefined) this.mail(mail);
    this.registerOutputs({});
  }

  private alias(
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

  private mail({ domain, dkimSelector, dkimRecord, region }: MailRecords): void {
    const suffix = region === "eu" ? "eu.mailgun.org" : "mailgun.org";
    this.record("mail-spf", domain, "TXT", ["v=spf1 include:mailgun.org ~all"]);
    this.record("mail-dkim", `${dkimSelector}._domainkey.${domain}`, "TXT", [txt(dkimRecord)]);
    this.record("mail-mx", domain, "MX", [`10 mxa.${suffix}`, `10 mxb.${suffix}`]);
    this.record("mail-tracking", `email.${domain}`, "CNAME", [suffix]);
  }

  private record(key: string, name: string, type: "TXT" | "MX" | "CNAME", records: string[]): void {
    new aws.route53.Record(
      key,
      { zoneId: this.args.zoneId, name, type, records, ttl: TTL_SECONDS },
      { parent: this },
    );
  }
}

/** A long text as the provider takes it: strings of at most 255 characters, joined by `""`. */
function txt(text: string): string {
  return text.match(new RegExp(`.{1,${TXT_STRING_LENGTH}}`, "g"))?.join('""') ?? text;
}
