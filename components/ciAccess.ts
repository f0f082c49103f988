import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CiRole, INSTANCE_ROLES, InstanceRole, Naming } from "./common/naming";
import { updateStatements } from "./iam/ci/beanstalk";
import { deployStatements, PAIR } from "./iam/ci/deploy";
import { imageStatements, repositoryStatements } from "./iam/ci/images";
import { previewStatements } from "./iam/ci/preview";
import { rehearseStatements } from "./iam/ci/rehearse";
import { PulumiStackArgs, pulumiStackStatements } from "./iam/ci/pulumiStack";
import { upStatements } from "./iam/ci/up";
import { BALANCED, upServiceStatements } from "./iam/ci/upServices";
import { webAclStatements } from "./iam/ci/upWebAcl";
import { policyDocument, PolicyStatement } from "./iam/policyDocument";

export interface CiAccessArgs extends PulumiStackArgs {
  naming: Naming;
  /**
   * The repository that holds this program, as GitHub's tokens name it: `owner@id/name@id`, or `owner/name` if it was
   * created before 2026-07-15 and not changed since. Its workflows can preview and update the infrastructure.
   *
   * @see https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
   * @example "example@1234/iaso-on-aws@5678"
   */
  infrastructureRepository: string;
  /**
   * The repository that holds Iaso, in the same form. Its workflows can deploy new versions.
   *
   * @example "example@1234/iaso@9012"
   */
  applicationRepository: string;
  /**
   * Creates the account's identity provider for GitHub. AWS takes one per account: if several stacks share an
   * account, set this in one of them.
   */
  createOidcProvider: boolean;
  /** Ids of the Beanstalk environments. They are tags of the roles that change the environments. */
  environmentIds: Record<InstanceRole, pulumi.Input<string>>;
  /** ARNs of the environments' load balancers. They are tags of the role that changes listeners. */
  loadBalancerArns: Record<(typeof BALANCED)[number], pulumi.Input<string>>;
  /** The image that the settings name for web and worker; empty if the program builds one. */
  gdalImageId: string;
  /** Names of all DNS records of the program, except those that validate certificates. */
  recordNames: string[];
  /** True if the program has a repository for images. */
  imageRepository: boolean;
  /** True if the program has a web ACL. */
  webAcl: boolean;
  /** True if the environment's own KMS key encrypts the secrets. */
  encrypted: boolean;
}

/** @see https://docs.github.com/en/actions/reference/security/oidc */
const GITHUB_ISSUER = "token.actions.githubusercontent.com";
const AUDIENCE = "sts.amazonaws.com";
const MAIN = "refs/heads/main";

/** An update that creates a database and builds an image takes up to two hours. */
const MAXIMUM_SESSION_SECONDS = 3 * 3600;

/**
 * Access of GitHub Actions to AWS by OpenID Connect: short-lived credentials, no access key. There are four roles.
 * Only workflows of one repository can assume a role, and only in a GitHub environment or for a pull request. No token
 * can assume two of them: `up` and `rehearse` have GitHub environments of their own.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
 * @see https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
 */
export class CiAccess extends pulumi.ComponentResource {
  /** ARN of each role. */
  readonly roleArns: Record<CiRole, pulumi.Output<string>>;

  constructor(name: string, args: CiAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:CiAccess", name, {}, opts);
    const { naming, infrastructureRepository, applicationRepository, environmentIds } = args;
    const provider = args.createOidcProvider ? this.createProvider(name, naming) : undefined;
    const deployment = `environment:${naming.env}`;
    // The claim has the repository's names only. Of another branch, whoever can push could change the workflow, and under
    // the repository's name GitHub also finds commits of forks.
    const workflow = (file: string) =>
      `${infrastructureRepository.replace(/@\d+/g, "")}/.github/workflows/${file}@${MAIN}`;

    this.roleArns = {
      preview: this.createRole("preview", naming, provider, {
        tokens: {
          Preview: {
            sub: [
              `repo:${infrastructureRepository}:pull_request`,
              `repo:${infrastructureRepository}:ref:${MAIN}`,
            ],
          },
        },
        statements: [...previewStatements(naming), ...pulumiStackStatements(args, "read")],
      }),
      up: this.createRole("up", naming, provider, {
        environmentIds,
        tokens: {
          Update: {
            sub: [`repo:${infrastructureRepository}:environment:infrastructure-${naming.env}`],
            ref: MAIN,
          },
        },
        loadBalancerArns: args.loadBalancerArns,
        statements: [...upStatements(naming), ...pulumiStackStatements(args, "write")],
        managed: {
          ...updateStatements(naming, INSTANCE_ROLES, args.gdalImageId),
          ...upServiceStatements(naming, args.recordNames),
          ...(args.imageRepository && { images: repositoryStatements(naming) }),
          ...(args.webAcl && { firewall: webAclStatements(naming) }),
        },
      }),
      deploy: this.createRole("deploy", naming, provider, {
        environmentIds,
        tokens: {
          ApplicationDeploys: {
            sub: [`repo:${applicationRepository}:${deployment}`],
            job_workflow_ref: workflow("deploy.yml"),
          },
          StartedHere: {
            sub: [`repo:${infrastructureRepository}:${deployment}`],
            ref: MAIN,
            job_workflow_ref: workflow("deploy.yml"),
          },
        },
        statements: [
          ...deployStatements(naming, args.encrypted),
          ...(args.imageRepository ? imageStatements(naming) : []),
        ],
        managed: updateStatements(naming, PAIR, args.gdalImageId),
      }),
      rehearse: this.createRole("rehearse", naming, provider, {
        tokens: {
          Rehearsal: {
            sub: [`repo:${infrastructureRepository}:environment:rehearsal-${naming.env}`],
            ref: MAIN,
            job_workflow_ref: workflow("rehearse.yml"),
          },
        },
        statements: rehearseStatements(naming),
      }),
    };
    this.registerOutputs(this.roleArns);
  }

  private createProvider(name: string, naming: Naming): aws.iam.OpenIdConnectProvider {
    return new aws.iam.OpenIdConnectProvider(
      name,
      { url: `https://${GITHUB_ISSUER}`, clientIdLists: [AUDIENCE], tags: naming.tags() },
      { parent: this },
    );
  }

  private createRole(
    key: CiRole,
    naming: Naming,
    provider: aws.iam.OpenIdConnectProvider | undefined,
    { tokens, statements, managed = {}, environmentIds = {}, loadBalancerArns = {} }: RoleArgs,
  ): pulumi.Output<string> {
    const role = new aws.iam.Role(
      `ci-${key}`,
      {
        name: naming.ciRole(key),
        description: `GitHub Actions, ${key}`,
        assumeRolePolicy: githubTrustPolicy(naming.accountId, tokens),
        maxSessionDuration: MAXIMUM_SESSION_SECONDS,
        tags: {
          ...naming.tags(),
          ...tagsOf(environmentIds, (instances) => naming.environmentIdTag(instances)),
          ...tagsOf(loadBalancerArns, (instances) => naming.loadBalancerTag(instances), balancerOf),
        },
      },
      // The trust policy contains the provider's ARN as text, not as an output.
      { parent: this, dependsOn: provider },
    );
    new aws.iam.RolePolicy(
      `ci-${key}`,
      { name: key, role: role.name, policy: policyDocument(statements) },
      { parent: role },
    );
    for (const [part, ofPart] of Object.entries(managed)) {
      const policy = new aws.iam.Policy(
        `ci-${key}-${part}`,
        {
          name: naming.ciPolicy(key, part),
          description: `GitHub Actions, ${key}, ${part}`,
          policy: policyDocument(ofPart),
          tags: naming.tags(),
        },
        { parent: role },
      );
      new aws.iam.RolePolicyAttachment(
        `ci-${key}-${part}`,
        { role: role.name, policyArn: policy.arn },
        { parent: role },
      );
    }
    return role.arn;
  }
}

interface RoleArgs {
  /** The claims of GitHub's tokens that can assume the role, by the id of the statement that accepts them. */
  tokens: Record<string, Claims>;
  /** The inline policy. AWS takes at most 10,240 characters. */
  statements: PolicyStatement[];
  /** Further policies by name. AWS takes at most 6,144 characters in each, and ten for a role. */
  managed?: Record<string, PolicyStatement[]>;
  /** Values that the role's policies name as tags of the role, because no preview knows them. */
  environmentIds?: Partial<CiAccessArgs["environmentIds"]>;
  /** The same for the load balancers that Beanstalk creates. */
  loadBalancerArns?: Partial<CiAccessArgs["loadBalancerArns"]>;
}

type ValuesOfRoles = Partial<Record<InstanceRole, pulumi.Input<string>>>;

function tagsOf(
  values: ValuesOfRoles,
  tagOf: (role: InstanceRole) => string,
  convert: (value: string) => string = (value) => value,
): Record<string, pulumi.Output<string>> {
  return Object.fromEntries(
    Object.entries(values).map(([role, value]) => [
      tagOf(role as InstanceRole),
      pulumi.output(value).apply(convert),
    ]),
  );
}

/** Returns the part of a load balancer's ARN that the ARNs of its listeners repeat, such as `app/NAME/ID`. */
const balancerOf = (arn: string): string =>
  arn.slice(arn.indexOf(":loadbalancer/") + ":loadbalancer/".length);

/** Claims that a token must have: one of the subjects, and each other claim. */
interface Claims {
  sub: string[];
  ref?: string;
  job_workflow_ref?: string;
}

/** Returns the trust policy of a role that GitHub's tokens with one of these sets of claims can assume. */
function githubTrustPolicy(accountId: string, tokens: Record<string, Claims>): string {
  const statements = Object.entries(tokens).map(([Sid, claims]): PolicyStatement => ({
    Sid,
    Effect: "Allow",
    Principal: { Federated: `arn:aws:iam::${accountId}:oidc-provider/${GITHUB_ISSUER}` },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: {
      StringEquals: Object.fromEntries(
        Object.entries<string | string[]>({ aud: AUDIENCE, ...claims }).map(([claim, value]) => [
          `${GITHUB_ISSUER}:${claim}`,
          value,
        ]),
      ),
    },
  }));
  return policyDocument(statements);
}
