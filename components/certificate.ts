import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";

export interface CertificateArgs {
  naming: Naming;
  host: string;
  zoneId: pulumi.Input<string>;
  /** Region of the certificate: that of the load balancer, or us-east-1 for CloudFront. Changing it replaces it. */
  region: string;
}

/**
 * A public certificate for one host, validated by a DNS record and so renewed by itself.
 *
 * @see https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
 */
export class Certificate extends pulumi.ComponentResource {
  /** ARN of the certificate, available when it is issued. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:Certificate", name, {}, opts);
    const { naming, host, zoneId, region } = args;

    const certificate = new aws.acm.Certificate(
      name,
      { domainName: host, validationMethod: "DNS", region, tags: naming.tags() },
      { parent: this },
    );
    const proof = certificate.domainValidationOptions.apply((options) => {
      const [option] = options;
      if (option === undefined) throw new Error(`ACM named no validation record for ${host}`);
      return option;
    });
    const record = new aws.route53.Record(
      `${name}-validation`,
      {
        zoneId,
        name: proof.resourceRecordName,
        type: "CNAME",
        records: [proof.resourceRecordValue],
        ttl: 300,
        // Certificates for one host in two regions are proven by the same record.
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
