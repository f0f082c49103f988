import {
  type CertificateDetail,
  DescribeCertificateCommand,
  paginateListCertificates,
} from "@aws-sdk/client-acm";
import type { Check, Finding } from "../check";
import type { Context } from "../context";

/** The names by which ACM's authority is allowed in CAA records. */
const AUTHORITIES = ["amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"];

/** ACM renews from 60 days before the end. */
const RENEWED_DAYS_BEFORE = 30;
const DAY = 24 * 3600 * 1000;

/** @see https://docs.aws.amazon.com/acm/latest/userguide/setup-caa.html */
export const caaRecords: Check = {
  name: "CAA records",
  phase: "preflight",
  async check(context) {
    const refusals = new Map<string, { hosts: string[]; allowed: string[] }>();
    for (const host of Object.values(context.stack.hosts)) {
      const refusal = await refusingCaa(context, host);
      if (refusal === undefined) continue;
      const { hosts } = refusals.get(refusal.name) ?? { hosts: [] };
      refusals.set(refusal.name, { hosts: [...hosts, host], allowed: refusal.allowed });
    }
    return {
      findings: [...refusals].map(([name, { hosts, allowed }]) => ({
        wrong: `The CAA records of ${name} do not allow Amazon's certificate authority, only ${allowed.join(", ") || "none"}.`,
        why: `ACM cannot issue or renew the certificates of ${hosts.join(", ")}.`,
        fix: `Add this CAA record to ${name}: 0 issue "amazon.com"`,
      })),
    };
  },
};

/** The closest CAA records at or above a host, if they refuse Amazon (RFC 8659). */
async function refusingCaa(
  { dns }: Context,
  host: string,
): Promise<{ name: string; allowed: string[] } | undefined> {
  const labels = host.split(".");
  for (let start = 0; start < labels.length; start += 1) {
    const name = labels.slice(start).join(".");
    const records = await dns.caa(name);
    if (records.length === 0) continue;
    // Records without "issue", such as one that only names an address for reports, allow every authority.
    const allowed = records.flatMap(({ issue }) =>
      issue === undefined ? [] : [issue.split(";")[0]?.trim() ?? ""],
    );
    if (allowed.length === 0 || allowed.some((authority) => AUTHORITIES.includes(authority)))
      return undefined;
    return { name, allowed: allowed.filter((authority) => authority !== "") };
  }
  return undefined;
}

/** @see https://docs.aws.amazon.com/acm/latest/userguide/managed-renewal.html */
export const certificates: Check = {
  name: "certificates",
  phase: "check-up",
  async check(context) {
    const { hosts } = context.stack;
    const findings = await Promise.all(
      Object.entries(hosts).map(async ([role, host]): Promise<Finding[]> => {
        const found = await certificatesOf(context, host, role === "static");
        if (found.length === 0) {
          return [
            {
              wrong: `ACM has no certificate for ${host}.`,
              why: "Browsers cannot open the host.",
              fix: `pulumi up --stack ${context.stack.name}`,
            },
          ];
        }
        return found.flatMap((certificate) => judgeCertificate(context, host, certificate));
      }),
    );
    return { findings: findings.flat() };
  },
};

async function certificatesOf(
  { clients }: Context,
  host: string,
  isForCloudFront: boolean,
): Promise<CertificateDetail[]> {
  const client = isForCloudFront ? clients.acmUsEast1 : clients.acm;
  const arns: string[] = [];
  for await (const page of paginateListCertificates({ client }, {})) {
    for (const { DomainName, CertificateArn = "" } of page.CertificateSummaryList ?? []) {
      if (DomainName === host) arns.push(CertificateArn);
    }
  }
  return Promise.all(
    arns.map(async (CertificateArn) => {
      const { Certificate } = await client.send(new DescribeCertificateCommand({ CertificateArn }));
      return Certificate ?? {};
    }),
  );
}

function judgeCertificate({ now, stack }: Context, host: string, certificate: CertificateDetail): Finding[] {
  const { Status = "unknown", NotAfter, RenewalSummary, FailureReason, CertificateArn = "" } = certificate;
  const options = certificate.DomainValidationOptions ?? RenewalSummary?.DomainValidationOptions ?? [];
  const record = options[0]?.ResourceRecord;
  const validate =
    record === undefined
      ? `aws acm describe-certificate --certificate-arn ${CertificateArn}`
      : `Create the validation record in the hosted zone ${stack.hostedZone}: ${record.Name ?? ""} CNAME ${record.Value ?? ""}`;
  if (Status !== "ISSUED") {
    const reason = FailureReason === undefined ? "" : ` (${FailureReason})`;
    return [
      {
        wrong: `The certificate of ${host} is ${Status}${reason}.`,
        why: "Browsers refuse the host.",
        fix: Status === "PENDING_VALIDATION" ? validate : `pulumi up --stack ${stack.name}`,
      },
    ];
  }
  const renewal = RenewalSummary?.RenewalStatus;
  const days = NotAfter === undefined ? Infinity : Math.floor((NotAfter.getTime() - now.getTime()) / DAY);
  const isStuck = renewal === "FAILED" || renewal === "PENDING_VALIDATION";
  if (!isStuck && days >= RENEWED_DAYS_BEFORE) return [];
  const state = renewal === undefined ? "is not renewed" : `has the renewal status ${renewal}`;
  return [
    {
      wrong: `The certificate of ${host} ends in ${days} days and ${state}.`,
      why: "ACM renews a certificate only while its validation record can be looked up; without it browsers refuse the host from that day.",
      fix: validate,
    },
  ];
}
