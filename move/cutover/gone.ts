import { errorName } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";
import { type CutoverRecord } from "./record";

const GONE =
  /^(ListenerNotFound|LoadBalancerNotFound|QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue)/;

/** Thrown when a listener or the queue of the existing Iaso does not exist any more. */
export class Gone extends UserError {}

/**
 * Runs calls for a listener or the queue of the existing Iaso.
 *
 * @throws Gone if it does not exist any more: somebody has rebuilt or terminated an environment since the plan
 */
export async function onPart<T>(
  { existing, stack }: CutoverRecord,
  part: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!GONE.test(errorName(error))) throw error;
    throw new Gone(
      `${part} of ${existing.web} does not exist any more: somebody has rebuilt or terminated an environment, and nothing shows whether users wrote to it.`,
      `npm run move -- back ${stack}, then begin again`,
    );
  }
}
