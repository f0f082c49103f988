import { formatProblems, Problem, wrongValue } from "./problem";

/** A stack with its settings by name, as text, with the defaults of Pulumi.yaml. */
export interface StackSettings {
  stack: string;
  settings: Readonly<Record<string, string>>;
}

/** Settings that name DNS records: each name can be there once. */
const NAMES = [
  "webHost",
  "enketoHost",
  "existingWebHost",
  "existingEnketoHost",
  "staticHost",
  "mailgunDomain",
];

/**
 * Finds settings of two stacks that cannot both be deployed, such as two stacks with one host name.
 *
 * @param stacks Each is compared with those after it and with the others.
 * @param others Stacks that are not compared with one another.
 * @returns A message for each pair of stacks that contradict each other.
 */
export function contradictionsBetween(
  project: string,
  stacks: readonly StackSettings[],
  others: readonly StackSettings[] = [],
): string[] {
  return stacks.flatMap((one, index) =>
    [...stacks.slice(index + 1), ...others].flatMap((other) => {
      const problems = checks.flatMap((check) => check(one, other));
      if (problems.length === 0) return [];
      const heading =
        `The stacks ${other.stack} and ${one.stack} cannot both be deployed. Change the one that is not deployed yet; ` +
        `for ${one.stack} (Pulumi.${one.stack}.yaml):`;
      return [[heading, ...formatProblems(problems, project, one.stack)].join("\n")];
    }),
  );
}

type Check = (one: StackSettings, other: StackSettings) => Problem[];

const checks: Check[] = [sharedNames, sharedAccount, sharedIdentityProvider, sharedEnvironment];

function sharedNames(one: StackSettings, other: StackSettings): Problem[] {
  const taken = new Map(NAMES.map((key) => [other.settings[key], key]));
  return NAMES.flatMap((key) => {
    const name = one.settings[key] ?? "";
    const otherKey = taken.get(name);
    return name === "" || otherKey === undefined
      ? []
      : [wrongValue(key, `is ${name}, the same as ${otherKey} of ${other.stack}`, "a name of its own")];
  });
}

/** Only separate accounts separate environments completely, so two in one account need a reason in both stacks. */
function sharedAccount(one: StackSettings, other: StackSettings): Problem[] {
  if (!isSame("accountId", one, other)) return [];
  const unexplained = [one, other].find(({ settings }) => (settings.sharedAccountReason ?? "") === "");
  if (unexplained === undefined) return [];
  return [
    {
      key: "accountId",
      wrong: `is ${String(one.settings.accountId)}, the same as for ${other.stack}, and ${unexplained.stack} gives no sharedAccountReason`,
      accepted:
        "an account of its own (docs/operations.md, One account for each environment), or a reason in both stacks",
      fix: `pulumi config set KEY VALUE --stack STACK, or: pulumi config set sharedAccountReason 'REASON' --stack ${unexplained.stack}`,
    },
  ];
}

/** AWS accepts one identity provider for GitHub in an account. */
function sharedIdentityProvider(one: StackSettings, other: StackSettings): Problem[] {
  const creates = ({ settings }: StackSettings) => settings.createOidcProvider === "true";
  if (!isSame("accountId", one, other) || !creates(one) || !creates(other)) return [];
  const wrong = `is true, as it is for ${other.stack} in the same AWS account, which accepts one identity provider`;
  return [
    {
      key: "createOidcProvider",
      wrong,
      accepted: "true for one stack of an account, false for the others",
      fix: "pulumi config set KEY false --stack STACK",
    },
  ];
}

/** Names begin with `env`, bucket names with `organization`; two stacks must not share them. */
function sharedEnvironment(one: StackSettings, other: StackSettings): Problem[] {
  const environment = ({ stack, settings }: StackSettings) => settings.env || stack;
  if (environment(one) !== environment(other)) return [];
  if (!isSame("accountId", one, other) && !isSame("organization", one, other)) return [];
  return [
    wrongValue(
      "env",
      `is ${environment(one)}, the same as for ${other.stack}`,
      "a name of its own, or empty",
    ),
  ];
}

function isSame(key: string, one: StackSettings, other: StackSettings): boolean {
  return one.settings[key] !== undefined && one.settings[key] === other.settings[key];
}
