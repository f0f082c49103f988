import { ownAccounts, Stack } from "../../context";
import { conditionsOf, githubSubjects, list, Statement, trusted } from "../../iam/document";
import { isOf } from "../../iam/principals";
import { defineRule } from "../../rule";
import { object, text } from "../../values";
import { checkAllows, ROLE } from "./grants";

const isGithub = (provider: unknown, accounts: string[]): boolean =>
  isOf(accounts, provider) && text(provider).endsWith(":oidc-provider/token.actions.githubusercontent.com");

/** The principals of a trust policy's statement that are outside this platform. */
function outsidersIn(
  { Principal, NotPrincipal }: Statement,
  accounts: string[],
  services: string[],
): string[] {
  if (NotPrincipal !== undefined || typeof Principal !== "object" || Principal === null)
    return ["everyone, or everyone except some,"];
  return Object.entries(Principal).flatMap(([kind, value]) =>
    list(value)
      .filter((principal) => {
        if (kind === "AWS") return text(principal).includes("*") || !isOf(accounts, principal);
        if (kind === "Service") return !services.includes(text(principal));
        return kind !== "Federated" || !isGithub(principal, accounts);
      })
      .map((principal) => `${kind} ${text(principal)}`),
  );
}

export const roleTrustClosed = defineRule({
  name: "role-trust-closed",
  types: [ROLE],
  description: "A role trusts services of this platform, principals of its own account, or GitHub alone",
  why: "an outsider could assume the role",
  severity: "critical",
  neighbours: true,
  parameters: {
    services: {
      type: "array",
      default: [
        "ec2.amazonaws.com",
        "elasticbeanstalk.amazonaws.com",
        "monitoring.rds.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
      ],
      description: "Services that a role may trust",
    },
  },
  check: ({ inputs }, stack) => {
    const { assumeRolePolicy } = inputs;
    const outsiders = checkAllows(assumeRolePolicy, "assumeRolePolicy", (statement) =>
      outsidersIn(statement, ownAccounts(stack), stack.parameters.services).map(
        (principal) =>
          `The trust policy lets ${principal} in. Write a service of this platform, a role of this account, or GitHub's provider.`,
      ),
    );
    const isFor = (kind: string) => trusted(assumeRolePolicy, kind).length > 0;
    return isFor("Federated") && (isFor("Service") || isFor("AWS"))
      ? [...outsiders, "The role is for GitHub and for others. Write a role for each."]
      : outsiders;
  },
});

/** A subject that names one repository and one ref or environment, or pull requests. */
const NAMED_SUBJECT =
  /^repo:[\w.-]+\/[\w.-]+:(pull_request|ref:refs\/(heads|tags)\/[^*?]+|environment:[^*?]+)$/;

export const oidcTrust = defineRule({
  name: "oidc-trust",
  types: [ROLE],
  description:
    "A role for GitHub accepts tokens of one repository, of named refs or environments, for our audience",
  why: "any repository on GitHub could assume the role",
  severity: "critical",
  check: ({ inputs }) =>
    checkAllows(inputs.assumeRolePolicy, "assumeRolePolicy", (statement) => {
      const providers = list(object(statement.Principal).Federated).map(text);
      if (!providers.some((one) => one.includes("token.actions.githubusercontent.com"))) return [];
      const demanded = (claim: string) =>
        conditionsOf(statement)
          .filter(({ operator }) => /^String(Equals|Like)$/i.test(operator))
          .filter(({ key }) => key === `token.actions.githubusercontent.com:${claim}`)
          .flatMap(({ values }) => values.map(text));
      const subjects = demanded("sub");
      return [
        ...(subjects.length > 0 && subjects.every((subject) => NAMED_SUBJECT.test(subject))
          ? []
          : [
              "The subject is not limited. Write StringEquals on sub with repo:OWNER/NAME:environment:NAME or :ref:refs/heads/NAME.",
            ]),
        ...(demanded("aud").join() === "sts.amazonaws.com"
          ? []
          : ["The audience is not limited. Write StringEquals on aud with sts.amazonaws.com."]),
      ];
    }),
});

const ownersIn = (assumeRolePolicy: unknown): string[] =>
  githubSubjects(assumeRolePolicy).flatMap((subject) => /^repo:([\w.-]+)\//.exec(subject)?.[1] ?? []);

/** The first GitHub owner that a role of this program trusts. */
const firstOwner = ({ once, ofType }: Stack): string | undefined =>
  once("owner on GitHub", () => ofType(ROLE).flatMap(({ inputs }) => ownersIn(inputs.assumeRolePolicy))[0]);

export const oidcOneOwner = defineRule({
  name: "oidc-one-owner",
  types: [ROLE],
  description: "All roles for GitHub trust repositories of the same owner",
  why: "workflows of another organization could change the platform",
  severity: "critical",
  neighbours: true,
  check: ({ inputs }, stack) =>
    [...new Set(ownersIn(inputs.assumeRolePolicy))]
      .filter((owner) => owner !== firstOwner(stack))
      .map(
        (owner) =>
          `The role trusts ${owner}, another role trusts ${String(firstOwner(stack))}. Write repositories of the same owner.`,
      ),
});
