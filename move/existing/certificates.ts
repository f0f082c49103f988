import { DescribeCertificateCommand } from "@aws-sdk/client-acm";
import type { Clients } from "../../doctor/clients";
import { type ExistingEnvironment, optionOf } from "./environments";

export interface ExistingCertificate {
  host: string;
  /** True if it was made elsewhere, so that ACM does not renew it. */
  isImported: boolean;
}

/** The certificate of an environment's load balancer; undefined if it has none, or one of IAM. */
export async function readCertificate(
  { acm }: Clients,
  environment: ExistingEnvironment,
): Promise<ExistingCertificate | undefined> {
  const [arn = ""] = [
    optionOf(environment, "aws:elbv2:listener:443", "SSLCertificateArns"),
    optionOf(environment, "aws:elb:listener:443", "SSLCertificateId"),
    optionOf(environment, "aws:elb:loadbalancer", "SSLCertificateId"),
  ].filter((value) => value.startsWith("arn:aws:acm:"));
  if (arn === "") return undefined;
  const { Certificate } = await acm.send(
    new DescribeCertificateCommand({ CertificateArn: arn.split(",")[0] }),
  );
  return { host: Certificate?.DomainName ?? "", isImported: Certificate?.Type === "IMPORTED" };
}
