import { ownAccounts, Stack } from "../../context";
import { conditionsOf, demandsValue, githubSubjects, list, Statement, trusted } from "../../iam/document";
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
  description:
    "A role trusts services of this platform, principals of its own account, or GitHub; one kind of them",
  why: "an outsider could assume the role",
  severity: "critical",
  neighbours: true,
  parameters: {
    services: {
      type: "array",
      default: [
        "backup.amazonaws.com",
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
    const kinds = ["Federated", "Service", "AWS"].filter(isFor);
    return kinds.length > 1
      ? [...outsiders, `The role is for principals of ${kinds.join(" and ")}. Write a role for each.`]
      : outsiders;
  },
});

/**
 * A subject that names one repository and one ref or environment, or pull requests.
 *
 * @see https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/ for the ids
 */
const NAMED_SUBJECT =
  /^repo:[\w.-]+(\/[\w.-]+|@\d+\/[\w.-]+@\d+):(pull_request|ref:refs\/(heads|tags)\/[^*?]+|environment:[^*?]+)$/;

const GITHUB = "token.actions.githubusercontent.com";

/** The values that a statement demands of a claim of GitHub's tokens. */
const demandedOf = (statement: Statement, claim: string): string[] =>
  conditionsOf(statement)
    .filter(({ operator }) => /^String(Equals|Like)$/i.test(operator))
    .filter(({ key }) => key === `${GITHUB}:${claim}`)
    .flatMap(({ values }) => values.map(text));

const isForGithub = (statement: Statement): boolean =>
  list(object(statement.Principal).Federated).some((one) => text(one).includes(GITHUB));

export const oidcTrust = defineRule({
  name: "oidc-trust",
  types: [ROLE],
  description:
    "A role for GitHub accepts tokens of one repository, of named refs or environments, for our audience",
  why: "any repository on GitHub could assume the role",
  severity: "critical",
  check: ({ inputs }) =>
    checkAllows(inputs.assumeRolePolicy, "assumeRolePolicy", (statement) => {
      if (!isForGithub(statement)) return [];
      const subjects = demandedOf(statement, "sub");
      return [
        ...(subjects.length > 0 && subjects.every((subject) => NAMED_SUBJECT.test(subject))
          ? []
          : [
              "The subject is not limited. Write StringEquals on sub with repo:OWNER/NAME:environment:NAME or :ref:refs/heads/NAME.",
            ]),
        ...(demandedOf(statement, "aud").join() === "sts.amazonaws.com"
          ? []
          : ["The audience is not limited. Write StringEquals on aud with sts.amazonaws.com."]),
      ];
    }),
});

export const oidcIds = defineRule({
  name: "oidc-ids",
  types: [ROLE],
  description: "A role for GitHub names repositories by their ids",
  why: "after a renaming, somebody else can create a repository of the old name and assume the role",
  severity: "medium",
  level: "advisory",
  check: ({ inputs }) =>
    checkAllows(inputs.assumeRolePolicy, "assumeRolePolicy", (statement) =>
      isForGithub(statement)
        ? demandedOf(statement, "sub")
            .filter((subject) => !/^repo:[^:]*@\d+\/[^:]*@\d+:/.test(subject))
            .map(
              (subject) =>
                `The subject ${subject} has no ids. Write owner@id/name@id (docs/deploying-from-iaso.md, Repositories by their ids).`,
            )
        : [],
    ),
});

/**
 * A workflow of one repository at a branch or tag, and a branch. GitHub finds the commits of forks under the name of the
 * repository too, so the claim of a workflow that is called by a commit does not say whose code runs.
 *
 * @see https://www.chainguard.dev/unchained/what-the-fork-imposter-commits-in-github-actions-and-ci-cd
 */
const NAMED_WORKFLOW = /^[\w.-]+\/[\w.-]+\/\.github\/workflows\/[\w.-]+@refs\/(heads|tags)\/[^*?]+$/;
const NAMED_BRANCH = /^refs\/heads\/[^*?]+$/;

export const oidcWorkflow = defineRule({
  name: "oidc-workflow",
  types: [ROLE],
  description:
    "A role that a GitHub environment opens also demands the branch (ref) or a branch's workflow (job_workflow_ref)",
  why: "GitHub creates an unknown environment without protection, so any branch, and a workflow of any branch or fork, could use the role",
  severity: "high",
  check: ({ inputs }) =>
    checkAllows(inputs.assumeRolePolicy, "assumeRolePolicy", (statement) => {
      if (!isForGithub(statement)) return [];
      if (!demandedOf(statement, "sub").some((subject) => subject.includes(":environment:"))) return [];
      const isNamed = (claim: string, pattern: RegExp): boolean => {
        const values = demandedOf(statement, claim);
        return values.length > 0 && values.every((value) => pattern.test(value));
      };
      // A branch says something about its own repository only, so both must belong to one repository.
      const branches = demandedOf(statement, "ref").length > 0;
      const workflows = demandedOf(statement, "job_workflow_ref").map(
        (one) => one.split("/.github/")[0] ?? "",
      );
      const repositories = demandedOf(statement, "sub").map((one) =>
        (one.split(":")[1] ?? "").replaceAll(/@\d+/g, ""),
      );
      if (branches && workflows.length > 0 && repositories.some((one) => !workflows.includes(one)))
        return ["The branch is one of another repository than the workflow. Write the workflow's as sub."];
      return isNamed("ref", NAMED_BRANCH) || isNamed("job_workflow_ref", NAMED_WORKFLOW)
        ? []
        : [
            "Neither the branch nor the workflow is limited. Write StringEquals on ref with refs/heads/main, or on job_workflow_ref with OWNER/NAME/.github/workflows/FILE@refs/heads/main.",
          ];
    }),
});

/** The addresses of the first role that each subject of GitHub's tokens opens. */
const rolesBySubject = ({ once, ofType }: Stack): Map<string, string> =>
  once("role of each subject", () => {
    const found = new Map<string, string>();
    for (const { inputs, urn } of ofType(ROLE)) {
      for (const subject of githubSubjects(inputs.assumeRolePolicy)) {
        if (!found.has(subject)) found.set(subject, urn);
      }
    }
    return found;
  });

export const oidcOneRole = defineRule({
  name: "oidc-one-role",
  types: [ROLE],
  description: "No subject of GitHub's tokens opens two roles",
  why: "a workflow that deploys the application could also change the infrastructure",
  severity: "critical",
  neighbours: true,
  check: ({ inputs, urn }, stack) =>
    githubSubjects(inputs.assumeRolePolicy)
      .filter((subject) => rolesBySubject(stack).get(subject) !== urn)
      .map(
        (subject) =>
          `The subject ${subject} opens another role too. Write a GitHub environment of its own for each role.`,
      ),
});

const ownersIn = (assumeRolePolicy: unknown): string[] =>
  githubSubjects(assumeRolePolicy).flatMap(
    (subject) => /^repo:([\w.-]+)(?:@\d+)?\//.exec(subject)?.[1] ?? [],
  );

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

/** Services that name the account for which they act when they assume a role. */
const NAMES_ACCOUNT = /^(backup|monitoring\.rds|vpc-flow-logs)\.amazonaws\.com$/;

export const serviceTrustSource = defineRule({
  name: "service-trust-source",
  types: [ROLE],
  description: "A role for a service of AWS is for that service's work in this account",
  why: "another customer of AWS could make the service use the role (the confused deputy problem)",
  severity: "high",
  neighbours: true,
  check: ({ inputs }, stack) =>
    checkAllows(inputs.assumeRolePolicy, "assumeRolePolicy", (statement) => {
      const demanded = (key: string) =>
        conditionsOf(statement)
          .filter((condition) => demandsValue(condition) && condition.key === key)
          .flatMap(({ values }) => values.map(text));
      return list(object(statement.Principal).Service)
        .map(text)
        .flatMap((service) => {
          const accounts = [...demanded("aws:sourceaccount"), ...demanded("aws:sourcearn")];
          if (NAMES_ACCOUNT.test(service))
            return accounts.length > 0 && accounts.every((one) => isOf(ownAccounts(stack), one))
              ? []
              : [`${service} may use the role for others. Write StringEquals on aws:SourceAccount.`];
          return service === "elasticbeanstalk.amazonaws.com" &&
            demanded("sts:externalid").join() !== "elasticbeanstalk"
            ? [`${service} needs no external id. Write StringEquals on sts:ExternalId with elasticbeanstalk.`]
            : [];
        });
    }),
});
