import { type PreviewDocument } from "../../graph/document";
import { statementsOf } from "../../policies/iam/document";
import { type Decision, evaluateRequest } from "../../policies/iam/evaluate";
import { find, textOf } from "../support";

const ACCOUNT = "123456789012";

/**
 * The decision of the media bucket's policy about a GET of an address that the application signed.
 *
 * @param address An address signed with Signature Version 4 in its query, or one without a signature.
 * @param at The time of the request, in milliseconds since 1970.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
 */
export function judgeAddress(document: PreviewDocument, address: string, at: number): Decision | "expired" {
  const url = new URL(address);
  const signedAt = url.searchParams.get("X-Amz-Date");
  const policy = find(document, "aws:s3/bucketPolicy:BucketPolicy", "media").inputs;
  const bucket = textOf(policy["bucket"]);
  const key = decodeURIComponent(url.pathname).replace(new RegExp(`^/(${bucket}/)?`), "");
  const role = `arn:aws:iam::${ACCOUNT}:role/iaso-staging-web`;
  const request = {
    action: "s3:GetObject",
    resource: `arn:aws:s3:::${bucket}/${key}`,
    account: ACCOUNT,
    requester: signedAt === null ? {} : { arn: `arn:aws:sts::${ACCOUNT}:assumed-role/iaso-staging-web/i-0` },
    context: { "aws:SecureTransport": String(url.protocol === "https:") },
  };
  if (signedAt !== null) {
    const age = at - Date.parse(signedAt.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
    if (age > Number(url.searchParams.get("X-Amz-Expires")) * 1000) return "expired";
    Object.assign(request.context, {
      "aws:PrincipalArn": role,
      "s3:authType": "REST-QUERY-STRING",
      "s3:signatureAge": String(age),
      "s3:signatureversion": url.searchParams.get("X-Amz-Algorithm") ?? "",
    });
  }
  const identity = find(document, "aws:iam/rolePolicy:RolePolicy", "web").inputs["policy"];
  return evaluateRequest(
    request,
    statementsOf(JSON.parse(textOf(policy["policy"])) as unknown),
    statementsOf(JSON.parse(textOf(identity)) as unknown),
  );
}
