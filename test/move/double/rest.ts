import { AwsFault, type DoubleRequest, type DoubleResponse, escapeXml } from "../../deploy/double/protocol";
import type { BucketDouble, ExistingAccount } from "./account";
import type { DoubleCall } from "./aws";

const xml = (body: string): DoubleResponse => ({
  status: 200,
  headers: { "content-type": "text/xml" },
  body,
});

/** The answer of S3 to a request that is signed for another region than the bucket's. */
export class Redirect extends AwsFault {
  constructor(readonly region: string) {
    super(
      "PermanentRedirect",
      "The bucket you are attempting to access must be addressed using the specified endpoint.",
      301,
    );
  }
}

const GROUP = "http://acs.amazonaws.com/groups/global/AllUsers";

/** The answers about a bucket, by the subresource of the request, with the IAM action of each. */
const SUBRESOURCES: Record<string, [action: string, answer: (bucket: BucketDouble) => string]> = {
  acl: [
    "s3:GetBucketAcl",
    ({ hasPublicAcl }) =>
      "<AccessControlPolicy><Owner><ID>x</ID></Owner><AccessControlList>" +
      (hasPublicAcl
        ? `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>${GROUP}</URI></Grantee><Permission>READ</Permission></Grant>`
        : "") +
      "</AccessControlList></AccessControlPolicy>",
  ],
  publicAccessBlock: [
    "s3:GetBucketPublicAccessBlock",
    ({ publicAccessBlock }) => {
      if (publicAccessBlock === undefined)
        throw new AwsFault(
          "NoSuchPublicAccessBlockConfiguration",
          "The public access block configuration was not found",
          404,
        );
      const members = Object.entries(publicAccessBlock).map(([name, value]) => `<${name}>${value}</${name}>`);
      return `<PublicAccessBlockConfiguration>${members.join("")}</PublicAccessBlockConfiguration>`;
    },
  ],
  policyStatus: [
    "s3:GetBucketPolicyStatus",
    ({ policyIsPublic }) => {
      if (policyIsPublic === undefined)
        throw new AwsFault("NoSuchBucketPolicy", "The bucket policy does not exist", 404);
      return `<PolicyStatus><IsPublic>${policyIsPublic}</IsPublic></PolicyStatus>`;
    },
  ],
  versioning: [
    "s3:GetBucketVersioning",
    ({ hasVersions }) =>
      `<VersioningConfiguration>${hasVersions ? "<Status>Enabled</Status>" : ""}</VersioningConfiguration>`,
  ],
  encryption: [
    "s3:GetEncryptionConfiguration",
    ({ isEncrypted }) => {
      if (!isEncrypted)
        throw new AwsFault(
          "ServerSideEncryptionConfigurationNotFoundError",
          "The server side encryption configuration was not found",
          404,
        );
      return "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
    },
  ],
};

/** The operation of a request to S3. */
export function s3Call({ method, path, query }: DoubleRequest, region: string): DoubleCall | undefined {
  const [, name = ""] = path.split("/");
  if (method !== "GET" || name === "") return undefined;
  const bucketOf = ({ buckets }: ExistingAccount): BucketDouble => {
    const bucket = buckets.get(name);
    if (bucket === undefined) throw new AwsFault("NoSuchBucket", "The specified bucket does not exist", 404);
    if (bucket.region !== region) throw new Redirect(bucket.region);
    return bucket;
  };
  const subresource = Object.keys(SUBRESOURCES).find((one) => query.has(one));
  if (subresource !== undefined) {
    const [action, answer] = SUBRESOURCES[subresource] ?? ["", () => ""];
    return { action, answer: (account) => xml(answer(bucketOf(account))) };
  }
  if (!query.has("list-type")) return undefined;
  return {
    action: "s3:ListBucket",
    answer: (account) => {
      const prefix = query.get("prefix") ?? "";
      const listed = bucketOf(account)
        .keys.filter((key) => key.startsWith(prefix))
        .slice(0, Number(query.get("max-keys") ?? 1000))
        .map((key) => `<Contents><Key>${escapeXml(key)}</Key></Contents>`);
      return xml(`<ListBucketResult><IsTruncated>false</IsTruncated>${listed.join("")}</ListBucketResult>`);
    },
  };
}
