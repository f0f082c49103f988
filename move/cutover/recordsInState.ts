import { z } from "zod";
import { type PulumiState } from "../../database/pulumiState";

const RECORD = "aws:route53/record:Record";

const stateSchema = z.looseObject({
  deployment: z.looseObject({
    resources: z.array(
      z.looseObject({
        type: z.string(),
        delete: z.boolean().optional(),
        inputs: z.looseObject({ name: z.unknown().optional(), type: z.unknown().optional() }).optional(),
      }),
    ),
  }),
});

/**
 * Puts the alias records of moved hosts into Pulumi's state, in the place of those that the stack has had. The former ones
 * wait for deletion, as after a replacement that stopped halfway: the next update deletes them. Without this, the update
 * would fail to create the records, which exist. Changes nothing if the state has the records already.
 *
 * @param hosts The former and the new name of each host of the stack.
 */
export async function moveRecordsInState(
  pulumi: PulumiState,
  hosts: readonly { from: string; to: string }[],
): Promise<void> {
  const state = stateSchema.parse(JSON.parse(await pulumi.read()));
  const { resources } = state.deployment;
  state.deployment.resources = resources.flatMap((resource) => {
    const { inputs, type } = resource;
    const host = hosts.find(({ from }) => from === inputs?.name);
    if (host === undefined || type !== RECORD || inputs?.type !== "A" || resource.delete === true)
      return [resource];
    const moved = JSON.parse(JSON.stringify(resource).replaceAll(host.from, host.to)) as typeof resource;
    return [moved, { ...resource, delete: true }];
  });
  if (state.deployment.resources.length > resources.length) await pulumi.write(JSON.stringify(state));
}
