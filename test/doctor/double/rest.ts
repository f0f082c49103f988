import { AwsFault, type DoubleRequest, type DoubleResponse, escapeXml } from "../../deploy/double/protocol";
import type { Account, Zone53 } from "./account";
import { success } from "./protocols";

/** An operation of a service that has paths instead of names. */
export interface RestCall {
  /** The IAM action that the call needs. */
  action: string;
  answer: (account: Account) => DoubleResponse;
}

const xml = (body: string): DoubleResponse => ({
  status: 200,
  headers: { "content-type": "text/xml" },
  body,
});

/** The operation of a request to Route 53; undefined for one that the double does not know. */
export function route53Call({ path, query }: DoubleRequest): RestCall | undefined {
  if (path === "/2013-04-01/hostedzonesbyname") {
    return { action: "route53:ListHostedZonesByName", answer: (account) => listZones(account, query) };
  }
  const [, id = "", records] = /^\/2013-04-01\/hostedzone\/([A-Z0-9]+)(\/rrset)?$/.exec(path) ?? [];
  if (id === "") return undefined;
  const find = (account: Account): Zone53 => {
    const zone = account.zones.find((each) => each.id === id);
    if (zone === undefined)
      throw new AwsFault("NoSuchHostedZone", `No hosted zone found with ID: ${id}`, 404);
    return zone;
  };
  if (records !== undefined) {
    return {
      action: "route53:ListResourceRecordSets",
      answer: (account) => listRecords(find(account), query),
    };
  }
  return { action: "route53:GetHostedZone", answer: (account) => getZone(find(account)) };
}

/** The labels of a name from the top down, by which Route 53 sorts. */
const sortKey = (name: string) => name.replace(/\.$/, "").split(".").reverse().join(".");

function zoneXml({ id, name, isPrivate }: Zone53): string {
  return (
    `<HostedZone><Id>/hostedzone/${id}</Id><Name>${name}.</Name><CallerReference>x</CallerReference>` +
    `<Config><PrivateZone>${isPrivate}</PrivateZone></Config></HostedZone>`
  );
}

function listZones({ zones }: Account, query: URLSearchParams): DoubleResponse {
  const from = sortKey(query.get("dnsname") ?? "");
  const listed = zones.filter(({ name }) => sortKey(name) >= from).map(zoneXml);
  return xml(
    `<ListHostedZonesByNameResponse><HostedZones>${listed.join("")}</HostedZones><IsTruncated>false</IsTruncated>` +
      "<MaxItems>100</MaxItems></ListHostedZonesByNameResponse>",
  );
}

function getZone(zone: Zone53): DoubleResponse {
  const servers = zone.nameServers.map((server) => `<NameServer>${server}</NameServer>`).join("");
  return xml(
    `<GetHostedZoneResponse>${zoneXml(zone)}<DelegationSet><NameServers>${servers}</NameServers></DelegationSet></GetHostedZoneResponse>`,
  );
}

function listRecords({ records }: Zone53, query: URLSearchParams): DoubleResponse {
  const from = sortKey(query.get("name") ?? "");
  const listed = records
    .filter(({ name }) => sortKey(name) >= from)
    .sort((a, b) => (sortKey(a.name) < sortKey(b.name) ? -1 : 1))
    .slice(0, Number(query.get("maxitems") ?? 300))
    .map(
      ({ name, type, value }) =>
        `<ResourceRecordSet><Name>${name}.</Name><Type>${type}</Type><TTL>300</TTL>` +
        `<ResourceRecords><ResourceRecord><Value>${escapeXml(value)}</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>`,
    );
  return xml(
    `<ListResourceRecordSetsResponse><ResourceRecordSets>${listed.join("")}</ResourceRecordSets>` +
      "<IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>",
  );
}

/** The operation of a request to AWS Backup; undefined for one that the double does not know. */
export function backupCall({ path, query }: DoubleRequest, region: string): RestCall | undefined {
  const [, name = "", points] = /^\/backup-vaults\/([^/]+)(\/recovery-points\/?)?$/.exec(path) ?? [];
  if (name === "") return undefined;
  const find = (account: Account) => {
    const vault = account.vaults.get(`${region} ${name}`);
    if (vault === undefined) {
      throw new AwsFault("AccessDeniedException", "Insufficient privileges to perform this action.", 403);
    }
    return vault;
  };
  const seconds = (date: Date | undefined) => (date === undefined ? undefined : date.getTime() / 1000);
  if (points === undefined) {
    return {
      action: "backup:DescribeBackupVault",
      answer: (account) => {
        const { lock } = find(account);
        const { lockDate, max, min } = lock ?? {};
        return success("rest-json", "", {
          BackupVaultName: name,
          Locked: lock !== undefined,
          MinRetentionDays: min,
          MaxRetentionDays: max,
          LockDate: seconds(lockDate),
        });
      },
    };
  }
  const after = Number(new Date(query.get("createdAfter") ?? 0));
  return {
    action: "backup:ListRecoveryPointsByBackupVault",
    answer: (account) => {
      const found = find(account).points.filter(
        ({ at, type }) => type === query.get("resourceType") && at.getTime() > after,
      );
      const shown = found.map(({ at, status, type }) => ({
        RecoveryPointArn: `arn:aws:backup:${region}:${account.id}:recovery-point:0`,
        ResourceType: type,
        Status: status,
        CreationDate: seconds(at),
      }));
      return success("rest-json", "", { RecoveryPoints: shown });
    },
  };
}

/** The operation of a request to S3 or S3 Control. */
export function s3Call({ headers, method, path, query }: DoubleRequest): RestCall | undefined {
  if (path === "/v20180820/configuration/publicAccessBlock") {
    return {
      action: "s3:GetAccountPublicAccessBlock",
      answer: (account) => accountBlock(account, headers["x-amz-account-id"] ?? ""),
    };
  }
  const [, bucket = "", ...key] = path.split("/");
  if (method === "GET" && key.join("") !== "") {
    return { action: "s3:GetObject", answer: (account) => getObject(account, bucket, key.join("/")) };
  }
  if (method === "GET" && bucket === "") {
    return {
      action: "s3:ListAllMyBuckets",
      answer: (account) => listBuckets(account, query.get("prefix") ?? ""),
    };
  }
  if (query.has("tagging"))
    return { action: "s3:GetBucketTagging", answer: (account) => tagging(account, bucket) };
  if (query.has("encryption"))
    return { action: "s3:GetEncryptionConfiguration", answer: (account) => encryption(account, bucket) };
  if (query.has("list-type")) {
    return { action: "s3:ListBucket", answer: (account) => listObjects(account, bucket, query) };
  }
  return undefined;
}

function getObject({ buckets, contents }: Account, bucket: string, key: string): DoubleResponse {
  if (!buckets.has(bucket)) throw new AwsFault("NoSuchBucket", "The specified bucket does not exist", 404);
  const body = contents.get(`${bucket}/${key}`);
  if (body === undefined) throw new AwsFault("NoSuchKey", "The specified key does not exist.", 404);
  return { status: 200, headers: { etag: '"1"' }, body };
}

function encryption({ buckets, bucketKeys }: Account, bucket: string): DoubleResponse {
  if (!buckets.has(bucket)) throw new AwsFault("NoSuchBucket", "The specified bucket does not exist", 404);
  const key = bucketKeys.get(bucket);
  const algorithm =
    key === undefined
      ? "<SSEAlgorithm>AES256</SSEAlgorithm>"
      : `<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>${key}</KMSMasterKeyID>`;
  return xml(
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>" +
      `${algorithm}</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`,
  );
}

function accountBlock({ id, publicAccessBlock }: Account, accountId: string): DoubleResponse {
  if (accountId !== id) throw new AwsFault("AccessDenied", "Access Denied", 403);
  if (publicAccessBlock === undefined) {
    throw new AwsFault(
      "NoSuchPublicAccessBlockConfiguration",
      "The public access block configuration was not found",
      404,
    );
  }
  const members = Object.entries(publicAccessBlock).map(([name, value]) => `<${name}>${value}</${name}>`);
  return xml(`<PublicAccessBlockConfiguration>${members.join("")}</PublicAccessBlockConfiguration>`);
}

function listBuckets({ buckets }: Account, prefix: string): DoubleResponse {
  const listed = [...buckets.keys()].filter((name) => name.startsWith(prefix));
  const members = listed.map((name) => `<Bucket><Name>${name}</Name></Bucket>`).join("");
  return xml(`<ListAllMyBucketsResult><Buckets>${members}</Buckets></ListAllMyBucketsResult>`);
}

/** The answer to a request without credentials, which has no body and so no name of an error. */
export function headBucket({ buckets, bucketsOfOthers, region }: Account, bucket: string): DoubleResponse {
  const exists = buckets.has(bucket) || bucketsOfOthers.has(bucket);
  return exists
    ? { status: 403, headers: { "x-amz-bucket-region": region }, body: "" }
    : { status: 404, headers: {}, body: "" };
}

function tagging({ buckets }: Account, bucket: string): DoubleResponse {
  if (!buckets.has(bucket)) throw new AwsFault("NoSuchBucket", "The specified bucket does not exist", 404);
  const tags = buckets.get(bucket);
  if (tags === undefined) throw new AwsFault("NoSuchTagSet", "The TagSet does not exist", 404);
  const members = Object.entries(tags).map(
    ([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`,
  );
  return xml(`<Tagging><TagSet>${members.join("")}</TagSet></Tagging>`);
}

function listObjects({ buckets, objects }: Account, bucket: string, query: URLSearchParams): DoubleResponse {
  if (!buckets.has(bucket)) throw new AwsFault("NoSuchBucket", "The specified bucket does not exist", 404);
  const prefix = query.get("prefix") ?? "";
  const listed = (objects.get(bucket) ?? [])
    .filter((key) => key.startsWith(prefix))
    .slice(0, Number(query.get("max-keys") ?? 1000))
    .map((key) => `<Contents><Key>${escapeXml(key)}</Key></Contents>`);
  return xml(`<ListBucketResult><IsTruncated>false</IsTruncated>${listed.join("")}</ListBucketResult>`);
}
