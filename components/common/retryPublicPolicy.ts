import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";

/** Seconds before each further attempt: two minutes together, as long as the AWS provider waits for S3 elsewhere. */
const DELAYS = [1, 2, 4, 8, 15, 30, 30, 30];

/**
 * Returns a hook that retries a public bucket policy. S3 can refuse one for a short time after the public access block
 * of its bucket was lifted, and forever if the account blocks public access. The AWS provider does not retry it.
 *
 * @param bucket Name of the bucket.
 * @see https://github.com/hashicorp/terraform-provider-aws/issues/31363
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/s3/bucket_policy.go
 * @see https://www.pulumi.com/docs/iac/concepts/options/hooks/
 */
export function retryPublicPolicy(bucket: string): pulumi.ErrorHook {
  return new pulumi.ErrorHook(`retry-public-policy-${bucket}`, async ({ errors, failedOperation }) => {
    const [latest = ""] = errors;
    if (failedOperation === "delete" || !latest.includes("AccessDenied")) return false;
    const delay = DELAYS[errors.length - 1];
    if (delay === undefined) {
      await pulumi.log.error(
        `S3 still refuses the public policy of ${bucket} after two minutes. If the account blocks public access to ` +
          `S3, static files need CloudFront: npm run doctor -- ${pulumi.getStack()} shows it, with the commands.`,
      );
      return false;
    }
    await sleep(delay * 1000);
    return true;
  });
}
