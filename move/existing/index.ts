import type { DBInstance } from "@aws-sdk/client-rds";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { describeError, isRefusal } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";
import type { Clients } from "../../doctor/clients";
import { NotChecked } from "../../doctor/errors";
import { findIdentityProvider, listAvailabilityZones } from "../../doctor/reads";
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

async function readZoneLetters(clients: Clients, region: string): Promise<string[]> {
  return (await listAvailabilityZones(clients)).map((zone) => zone.replace(region, ""));
}

async function hasIdentityProvider(clients: Clients, accountId: string): Promise<boolean> {
  return (await findIdentityProvider(clients, accountId)) !== undefined;
}
