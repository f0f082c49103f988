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
  /**
   * Further host names of the certificate. **Changing them replaces the certificate.**
   *
   * @default The certificate is for `host` only.
   */
  otherHosts?: readonly string[];
  /** Id of the Route 53 hosted zone that contains all hosts. It takes the validation records. */
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
 * A public certificate. A DNS record for each host validates it, so that ACM can renew it.
 *
 * @see https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
 */
export class Certificate extends pulumi.ComponentResource {
  /** ARN of the certificate, known once the certificate is issued. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:Certificate", name, {}, opts);
    const { naming, host, otherHosts = [], zoneId, region } = args;

    const certificate = new aws.acm.Certificate(
      name,
      {
        domainName: host,
        ...(otherHosts.length > 0 && { subjectAlternativeNames: [...otherHosts] }),
        validationMethod: "DNS",
        region,
        tags: naming.tags(),
      },
      { parent: this },
    );
    const records = [host, ...otherHosts].map((validated) => {
      const { resourceRecordName, resourceRecordValue } = validationOption(certificate, validated);
      return new aws.route53.Record(
        validated === host ? `${name}-validation` : `${name}-validation-${validated}`,
        {
          zoneId,
          name: resourceRecordName,
          type: "CNAME",
          records: [resourceRecordValue],
          ttl: 300,
          // All certificates of one host in an account have the same validation record.
          allowOverwrite: true,
        },
        // The record of another host stays: the certificate of the platform that has the host needs it too.
        { parent: certificate, ...(validated !== host && { retainOnDelete: true }) },
      );
    });
    const validation = new aws.acm.CertificateValidation(
      name,
      { certificateArn: certificate.arn, validationRecordFqdns: records.map(({ fqdn }) => fqdn), region },
      { parent: certificate },
    );
    this.arn = validation.certificateArn;
    this.registerOutputs({ arn: this.arn });
  }
}

/** Returns the validation record that ACM asks for. ACM has exactly one for each host of a certificate. */
function validationOption(certificate: aws.acm.Certificate, host: string) {
  return certificate.domainValidationOptions.apply((options) => {
    const option = options.find(({ domainName }) => domainName === host);
    if (option === undefined) throw new Error(`ACM returned no validation record for ${host}`);
    return option;
  });
}
