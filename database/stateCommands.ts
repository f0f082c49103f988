import { z } from "zod";
import { UserError } from "../cli/userError";
import { DELETE_IMAGE, IMAGE_VARIABLES } from "../components/common/imageCommand";
import { RESOURCE_TYPES } from "../policies/facts/resourceTypes";

const COMMAND = "command:local:Command";

/** Packages whose plugins the program uses. */
const PACKAGES = new Set(["pulumi", "iaso", ...Object.keys(RESOURCE_TYPES).map(packageOf)]);

const propertiesSchema = z.looseObject({
  delete: z.unknown().optional(),
  dir: z.unknown().optional(),
  interpreter: z.unknown().optional(),
  environment: z.record(z.string(), z.unknown()).default({}),
});

const stateSchema = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          type: z.string(),
          urn: z.string().default(""),
          inputs: z.unknown().optional(),
          outputs: z.unknown().optional(),
        }),
      )
      .default([]),
  }),
});

/**
 * Checks that the next update by Pulumi runs nothing but the program: Pulumi runs the deletion commands of the state, and
 * loads plugins from its URLs. Whoever can write the state could run a command on the machine of an administrator.
 *
 * @param state The output of `pulumi stack export`.
 * @throws UserError with what was found
 * @see https://www.pulumi.com/registry/packages/command/api-docs/local/command/
 */
export function requireOwnCommands(state: string, stack: string): void {
  const urls: string[] = [];
  const parsed: unknown = JSON.parse(state, (key, value: unknown) => {
    if (key === "pluginDownloadURL" && value !== "") urls.push(JSON.stringify(value));
    return value;
  });
  const { resources } = stateSchema.parse(parsed).deployment;
  const found = [
    ...urls.map((url) => `a plugin from ${url}`),
    ...resources.flatMap(({ inputs, outputs, type, urn }) => {
      if (!PACKAGES.has(packageOf(type))) return [`${urn}, of a package that the program does not use`];
      if (type.startsWith("pulumi:providers:") && !PACKAGES.has(type.split(":")[2] ?? "")) {
        return [`${urn}, a provider that the program does not use`];
      }
      if (type.startsWith("pulumi:providers:") && [inputs, outputs].some(loadsOther)) {
        return [`${urn}, which loads another plugin than its own`];
      }
      if (packageOf(type) !== packageOf(COMMAND)) return [];
      const isOwn =
        type === COMMAND && [inputs, outputs].every((one) => one === undefined || deletesImage(one));
      return isOwn ? [] : [`${urn}, a command that is not the program's`];
    }),
  ];
  if (found.length === 0) return;
  throw new UserError(
    `Pulumi's state of ${stack} would run what the program does not have: ${found.join("; ")}. Somebody may have written it to take over your machine.`,
    `Do not run pulumi up. Find out who wrote the state, and remove the resources: pulumi state delete URN --stack ${stack}`,
  );
}

const internalSchema = z.looseObject({ name: z.unknown(), parameterization: z.unknown() }).partial();
const providerSchema = internalSchema.extend({ __internal: internalSchema.optional() });

/**
 * True if a provider names the plugin to load, or what the plugin loads. Earlier versions of Pulumi wrote both beside the
 * settings of the provider.
 */
function loadsOther(properties: unknown): boolean {
  const { data } = providerSchema.safeParse(properties ?? {});
  return (
    data === undefined ||
    [data, data.__internal ?? {}].some((one) => one.name !== undefined || one.parameterization !== undefined)
  );
}

/** True if the properties of a command delete an image as the program does, or delete nothing. */
function deletesImage(properties: unknown): boolean {
  const parsed = propertiesSchema.safeParse(properties);
  if (!parsed.success) return false;
  const { data } = parsed;
  const variables: readonly string[] = IMAGE_VARIABLES;
  return (
    [undefined, DELETE_IMAGE].includes(data.delete as string | undefined) &&
    data.dir === undefined &&
    data.interpreter === undefined &&
    Object.keys(data.environment).every((name) => variables.includes(name))
  );
}

function packageOf(type: string): string {
  return type.split(":")[0] ?? "";
}
