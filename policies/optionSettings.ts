import { type Stack } from "./context";
import { ResourceOf } from "./resource";
import { array, at, demand, isUnknown, text, UNKNOWN } from "./values";

export const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
export type Environment = ResourceOf<typeof ENVIRONMENT>;

/** The namespace of environment variables. */
export const VARIABLES = "aws:elasticbeanstalk:application:environment";
/** The namespace of environment variables whose values are ARNs of secrets. */
export const SECRET_VARIABLES = `${VARIABLES}secrets`;
export const LAUNCH_CONFIGURATION = "aws:autoscaling:launchconfiguration";

/** The value of an option. */
export interface Setting {
  namespace: string;
  name: string;
  /** Tells apart several uses of a namespace, such as scheduled actions. */
  resource: string;
  value: unknown;
}

/** The settings that were read already, by their list: many rules read the same ones. */
const read = new WeakMap<object, { all: Setting[]; byOption: Map<string, Setting> }>();

/** A resource that may be an environment. */
interface WithSettings {
  inputs: { readonly settings?: unknown };
}

/** The option settings of an environment. */
export const settingsOf = (environment: WithSettings): Setting[] => readSettings(environment).all;

function readSettings({ inputs }: WithSettings): { all: Setting[]; byOption: Map<string, Setting> } {
  const { settings } = inputs;
  const known = Array.isArray(settings) ? read.get(settings) : undefined;
  if (known !== undefined) return known;
  const all = array(settings).map((setting) => {
    const field = (name: string) => at(setting as Record<string, unknown>, name);
    return {
      namespace: text(field("namespace")),
      name: text(field("name")),
      resource: text(field("resource")),
      value: field("value"),
    };
  });
  // The first one counts where an option is set twice, which `beanstalk-options` refuses.
  const byOption = new Map(
    all.map((setting) => [`${setting.namespace}/${setting.name}`, setting] as const).reverse(),
  );
  const result = { all, byOption };
  if (Array.isArray(settings)) read.set(settings, result);
  return result;
}

/** The value of an option; undefined if it is not set. */
export const optionOf = (environment: WithSettings, namespace: string, name: string): unknown =>
  isUnknown(environment.inputs.settings)
    ? UNKNOWN
    : readSettings(environment).byOption.get(`${namespace}/${name}`)?.value;

/** Demands the value of an option: the one to write, or one that is valid too. */
export function demandOption(
  environment: Environment,
  namespace: string,
  name: string,
  instead: string,
  isValid: (value: string) => boolean = (value) => value === instead,
): string[] {
  const value = optionOf(environment, namespace, name);
  return demand(value, isValid(text(value)), `option ${namespace}/${name}`, instead);
}

/** The environment variables, plain and secret. */
export const variablesOf = (environment: Environment): Setting[] =>
  settingsOf(environment).filter(
    ({ namespace }) => namespace === VARIABLES || namespace === SECRET_VARIABLES,
  );

/** The ARNs of all secrets of the stack: those that secret variables name. */
export const secretArns = (stack: Stack): Set<string> =>
  stack.once(
    "ARNs of secrets",
    () =>
      new Set(
        stack
          .ofType(ENVIRONMENT)
          .flatMap(settingsOf)
          .filter(({ namespace, value }) => namespace === SECRET_VARIABLES && !isUnknown(value))
          .map(({ value }) => text(value)),
      ),
  );

/** True for the Docker platform, which runs Enketo whatever runs Iaso. */
export const runsDocker = (environment: Environment): boolean =>
  / running Docker$/.test(text(platformOf(environment)));

export const isWeb = ({ inputs }: Environment): boolean => inputs.tier !== "Worker";

/** The engine shows the outputs of existing environments too; `platformArn` is one. */
export const platformOf = ({ inputs }: Environment): unknown =>
  inputs.solutionStackName ?? inputs.platformArn;
