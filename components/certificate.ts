import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";

export interface CertificateArgs {
  naming: Naming;
  /**
   * Host name of the certificate. **Changing it replaces the certificate.**
   *
   * @example "iaso.example.org"
   */
  host: string;
  /** Id of the Route 53 hosted zone that contains `host`. It takes the validation record. */
  zoneId: pulumi.Input<string>;
  /**
   * Region of the certificate: the region of the load balancer, or us-east-1 for CloudFront. **Changing it replaces
   * the certificate.**
   *
   * @example "eu-central-1"
   */
  region: string;
}

/**
 * A public certificate for one host. A DNS record validates it, so that ACM can renew it.
 *
 * @see https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
 */
export class Certificate extends pulumi.ComponentResource {
  /** ARN of the certificate, known once the certificate is issued. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:Certificate", name, {}, opts);
    const { naming, host, zoneId, region } = args;

    const certificate = new aws.acm.Certificate(
      name,
      { domainName: host, validationMethod: "DNS", region, tags: naming.tags() },
      { parent: this },
    );
    const { resourceRecordName, resourceRecordValue } = validationOption(certificate, host);
    const record = new aws.route53.Record(
      `${name}-validation`,
      {
        zoneId,
        name: resourceRecordName,
        type: "CNAME",
        records: [resourceRecordValue],
        ttl: 300,
        // Certificates of one host in two regions have the same validation record.
        allowOverwrite: true,
      },
      { parent: certificate },
    );
    const validation = new aws.acm.CertificateValidation(
      name,
      { certificateArn: certificate.arn, validationRecordFqdns: [record.fqdn], region },
      { parent: certificate },
    );
    this.arn = validation.certificateArn;
    this.registerOutputs({ arn: this.arn });
  }
}

/** Returns the validation record that ACM asks for. A certificate of one host has exactly one. */
function validationOption(certificate: aws.acm.Certificate, host: string) {
  return certificate.domainValidationOptions.apply(([option]) => {
    if (option === undefined) throw new Error(`ACM returned no validation record for ${host}`);
    return option;
  });
}
