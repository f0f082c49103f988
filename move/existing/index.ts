import { DescribeAvailabilityZonesCommand } from "@aws-sdk/client-ec2";
import { GetOpenIDConnectProviderCommand } from "@aws-sdk/client-iam";
import type { DBInstance } from "@aws-sdk/client-rds";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { describeError, errorName, isRefusal } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";
import type { Clients } from "../../doctor/clients";
import { NotChecked } from "../../doctor/errors";
import { type Platform, readPlatforms } from "../../settings/platform";
import { type ExistingBucket, readBuckets } from "./buckets";
import { type ExistingCertificate, readCertificate } from "./certificates";
import { readDatabase } from "./database";
import type { Choice } from "./environments";
import { type Attempt, type ExistingIaso, readIaso } from "./iaso";
import { type ExistingVpc, readVpc } from "./network";
import { type ExistingQueue, readQueue } from "./queue";
import { type ExistingRedis, readRedis } from "./redis";

/** Something that AWS did not show. */
export interface Unread {
  /** Such as "the database". */
  what: string;
  why: string;
}

/** The existing Iaso with everything that it uses, as AWS shows it. */
export interface Existing extends ExistingIaso {
  accountId: string;
  region: string;
  database?: DBInstance;
  buckets: ExistingBucket[];
  queue?: ExistingQueue;
  certificate?: ExistingCertificate;
  redis: ExistingRedis[];
  vpc?: ExistingVpc;
  /** Letters of the zones of the region that the account can use. */
  zoneLetters: string[];
  /** The platform versions that AWS offers, for the settings that pin them. */
  platforms: Platform[];
  /** True if the account has GitHub's identity provider. */
  hasIdentityProvider: boolean;
  unread: Unread[];
}

/**
 * Reads an existing Iaso. Changes nothing.
 *
 * @throws UserError if there is no such Iaso, or Beanstalk cannot be read. What other services do not show is in
 *   {@link Existing.unread}.
 */
export async function readExisting(clients: Clients, region: string, choice: Choice): Promise<Existing> {
  const unread: Unread[] = [];
  const attempt: Attempt = async (what, read) => {
    try {
      return await read();
    } catch (error) {
      const isExplained = error instanceof NotChecked || error instanceof UserError;
      if (!isExplained && !isRefusal(error)) throw error;
      unread.push({ what, why: isExplained ? error.message : describeError(error) });
      return undefined;
    }
  };
  const { Account: accountId = "" } = await clients.sts.send(new GetCallerIdentityCommand({}));
  const iaso = await readIaso(clients, choice, attempt);
  const { enketo, web, worker } = iaso;
  const { variables } = web;
  return {
    ...iaso,
    accountId,
    region,
    database: await attempt("the database", () => readDatabase(clients, variables["RDS_HOSTNAME"] ?? "")),
    buckets: (await attempt("the buckets", () => readBuckets(clients, variables))) ?? [],
    queue: await attempt("the queue", () =>
      readQueue(clients, worker?.queueUrl ?? variables["BEANSTALK_SQS_URL"]),
    ),
    certificate: await attempt("the certificate", () => readCertificate(clients, web)),
    redis: (await attempt("Enketo's Redis", () => readRedis(region, enketo))) ?? [],
    vpc: await attempt("the network", () => readVpc(clients, web)),
    zoneLetters: (await attempt("the availability zones", () => readZoneLetters(clients, region))) ?? [],
    platforms: await readPlatforms(clients.beanstalk, {}),
    hasIdentityProvider:
      (await attempt("GitHub's identity provider", () => hasIdentityProvider(clients, accountId))) ?? false,
    unread,
  };
}

async function readZoneLetters({ ec2 }: Clients, region: string): Promise<string[]> {
  const { AvailabilityZones = [] } = await ec2.send(
    new DescribeAvailabilityZonesCommand({
      Filters: [
        { Name: "zone-type", Values: ["availability-zone"] },
        { Name: "state", Values: ["available"] },
      ],
    }),
  );
  return AvailabilityZones.map(({ ZoneName = "" }) => ZoneName.replace(region, "")).sort();
}

async function hasIdentityProvider({ iam }: Clients, accountId: string): Promise<boolean> {
  const OpenIDConnectProviderArn = `arn:aws:iam::${accountId}:oidc-provider/token.actions.githubusercontent.com`;
  try {
    await iam.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }));
    return true;
  } catch (error) {
    if (errorName(error).startsWith("NoSuchEntity")) return false;
    throw error;
  }
}
