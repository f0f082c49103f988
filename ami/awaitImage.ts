import { type EC2Client } from "@aws-sdk/client-ec2";
import { UserError } from "../cli/userError";
import { findImage, removeImage } from "./images";

/** Polls before a new resource that EC2 does not list yet counts as gone. EC2 lists new resources late. */
export const POLLS_UNTIL_VISIBLE = 20;

/** Thrown when EC2 takes longer than the time limit. It goes on creating the image. */
export class StillCreating extends UserError {}

export interface AwaitArgs {
  ec2: EC2Client;
  timeoutMinutes: number;
  /** Called with each line of progress. */
  report: (line: string) => void;
  /** Waits until the next poll. */
  pause: () => Promise<void>;
}

/**
 * Polls until an image is available. Returns false if it does not exist, or failed and was removed.
 *
 * @throws UserError if the image is disabled
 * @throws StillCreating if EC2 takes longer than the time limit
 */
export async function awaitImage(
  imageId: string,
  { ec2, pause, report, timeoutMinutes }: AwaitArgs,
): Promise<boolean> {
  const end = Date.now() + timeoutMinutes * 60_000;
  let wasSeen = false;
  for (let polls = 1; ; polls++) {
    const image = await findImage(ec2, imageId);
    switch (image?.State) {
      case "available":
        return true;
      case "disabled":
        throw new UserError(
          `The image ${imageId} of this recipe is disabled.`,
          `Run: aws ec2 enable-image --image-id ${imageId}`,
        );
      case "failed":
      case "error":
      case "invalid":
        report(`EC2 failed to create ${imageId}: ${image.StateReason?.Message ?? "it gives no reason"}`);
        await removeImage(ec2, image);
        return false;
    }
    if (!image && (wasSeen || polls > POLLS_UNTIL_VISIBLE)) return false;
    if (image && !wasSeen) report(`waiting until ${imageId} is available`);
    wasSeen ||= image !== undefined;
    if (Date.now() > end) {
      throw new StillCreating(
        `EC2 is still creating ${imageId} after ${timeoutMinutes} minutes.`,
        "Run again. To see the images: npm run ami -- list",
      );
    }
    await pause();
  }
}
