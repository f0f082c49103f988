import { GetRoleCommand } from "@aws-sdk/client-iam";
import { errorName } from "../../cli/awsErrors";
import { type Check, type Finding, ok } from "../check";
import { findIdentityProvider, GITHUB_ISSUER, identityProviderArn, listEnvironments } from "../reads";

/** The roles that services of the stack use, by the service that creates them. */
const SERVICE_LINKED_ROLES = {
  "autoscaling.amazonaws.com": "AWSServiceRoleForAutoScaling",
  "elasticache.amazonaws.com": "AWSServiceRoleForElastiCache",
  "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
  "rds.amazonaws.com": "AWSServiceRoleForRDS",
};

const AUDIENCE = "sts.amazonaws.com";

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html */
export const serviceLinkedRoles: Check = {
  name: "service-linked roles",
  phase: "preflight",
  async check({ clients }) {
    const findings = await Promise.all(
      Object.entries(SERVICE_LINKED_ROLES).map(async ([service, role]): Promise<Finding[]> => {
        try {
          await clients.iam.send(new GetRoleCommand({ RoleName: role }));
          return [];
        } catch (error) {
          if (errorName(error) !== "NoSuchEntity" && errorName(error) !== "NoSuchEntityException")
            throw error;
          return [
            {
              wrong: `The account has no service-linked role ${role}.`,
              why: "The service creates it at first use, and that first call can fail because IAM takes some seconds to spread the role.",
              fix: `aws iam create-service-linked-role --aws-service-name ${service}`,
            },
          ];
        }
      }),
    );
    return { findings: findings.flat() };
  },
};

/** The name of an environment of this program in Beanstalk (Naming.environment). */
const ENVIRONMENT = /^iaso-([a-z0-9]+)(-worker|-enketo)?$/;

/** @see https://docs.aws.amazon.com/whitepapers/latest/organizing-your-aws-environment/benefits-of-using-multiple-aws-accounts.html */
export const accountOfItsOwn: Check = {
  name: "an account for each environment",
  phase: "preflight",
  async check({ clients, stack }) {
    const names = (await listEnvironments(clients)).map(({ EnvironmentName = "" }) => EnvironmentName);
    const others = [
      ...new Set(
        names.flatMap((name) => ENVIRONMENT.exec(name)?.[1] ?? []).filter((env) => env !== stack.env),
      ),
    ].sort();
    if (others.length === 0) return ok();
    if (stack.sharedAccountReason !== "")
      return ok(`shared with ${others.join(", ")}: ${stack.sharedAccountReason}`);
    return {
      findings: [
        {
          wrong: `The account also has the environment ${others.join(" and ")}, and the stack gives no sharedAccountReason.`,
          why:
            "In one account, roles read names and settings of both environments, quotas and Beanstalk's bucket are shared, " +
            "and one mistake in a policy reaches both.",
          fix: `Use another account (docs/operations.md, One account for each environment), or: ${stack.setCommand("sharedAccountReason")} 'REASON'`,
        },
      ],
    };
  },
};

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html */
export const identityProvider: Check = {
  name: "identity provider of GitHub",
  phase: "preflight",
  async check({ clients, stack }) {
    const provider = await findIdentityProvider(clients, stack.accountId);
    if (provider === undefined) {
      if (stack.createOidcProvider) return ok("this stack creates it");
      return {
        findings: [
          {
            wrong: `The account has no identity provider ${GITHUB_ISSUER}, and createOidcProvider is false.`,
            why: "GitHub Actions could not assume the roles of this stack.",
            fix: stack.setCommand("createOidcProvider") + " true",
          },
        ],
      };
    }
    const tags = new Map((provider.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
    const isOwn = Object.entries(stack.tags).every(([key, value]) => tags.get(key) === value);
    if (stack.createOidcProvider && !isOwn) {
      return {
        findings: [
          {
            wrong: `The account already has the identity provider ${GITHUB_ISSUER}, and createOidcProvider is true.`,
            why: "AWS allows one for each account, so pulumi up fails when it creates another.",
            fix: stack.setCommand("createOidcProvider") + " false",
          },
        ],
      };
    }
    if (!(provider.ClientIDList ?? []).includes(AUDIENCE)) {
      return {
        findings: [
          {
            wrong: `The identity provider ${GITHUB_ISSUER} does not accept the audience ${AUDIENCE}.`,
            why: "GitHub Actions could not assume the roles of this stack.",
            fix: `aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn ${identityProviderArn(stack.accountId)} --client-id ${AUDIENCE}`,
          },
        ],
      };
    }
    return ok();
  },
};
