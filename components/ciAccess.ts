import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CiRole, Naming } from "./common/naming";
import { deployStatements } from "./iam/ci/deploy";
import { previewStatements } from "./iam/ci/preview";
import { PulumiStackArgs, pulumiStackStatements } from "./iam/ci/pulumiStack";
import { upStatements } from "./iam/ci/up";
import { policyDocument, PolicyStatement, trustPolicy } from "./iam/policyDocument";

export interface CiAccessArgs extends PulumiStackArgs {
  naming: Naming;
  /**
   * The repository that holds this program, as `owner/name`. Its workflows can preview and update the infrastructure.
   *
   * @example "example/iaso-on-aws"
   */
  infrastructureRepository: string;
  /**
   * The repository that holds Iaso, as `owner/name`. Its workflows can deploy new versions.
   *
   * @example "example/iaso"
   */
  applicationRepository: string;
  /**
   * Creates the account's identity provider for GitHub. AWS takes one per account: if several stacks share an
   * account, set this in one of them.
   */
  createOidcProvider: boolean;
  /** Name of the Beanstalk application that the `deploy` role may update. */
  application: string;
}

/** @see https://docs.github.com/en/actions/reference/security/oidc */
const GITHUB_ISSUER = "token.actions.githubusercontent.com";
const AUDIENCE = "sts.amazonaws.com";

/** An update that creates a database and builds an image takes up to two hours. */
const MAXIMUM_SESSION_SECONDS = 3 * 3600;

/**
 * Access of GitHub Actions to AWS by OpenID Connect: short-lived credentials, no access key. There are three roles.
 * Only workflows of one repository can assume a role, and only in a GitHub environment or for a pull request.
 *
 * @see https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
 */
export class CiAccess extends pulumi.ComponentResource {
  /** ARN of each role. */
  readonly roleArns: Record<CiRole, pulumi.Output<string>>;

  constructor(name: string, args: CiAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:CiAccess", name, {}, opts);
    const { naming, infrastructureRepository, applicationRepository, application } = args;
    const provider = args.createOidcProvider ? this.createProvider(name, naming) : undefined;
    const inEnvironment = (repository: string) => `repo:${repository}:environment:${naming.env}`;

    this.roleArns = {
      preview: this.createRole("preview", naming, provider, {
        subjects: [
          `repo:${infrastructureRepository}:pull_request`,
          `repo:${infrastructureRepository}:ref:refs/heads/main`,
        ],
        statements: [...previewStatements(naming), ...pulumiStackStatements(args, "read")],
      }),
      up: this.createRole("up", naming, provider, {
        subjects: [inEnvironment(infrastructureRepository)],
        statements: [...upStatements(naming), ...pulumiStackStatements(args, "write")],
      }),
      deploy: this.createRole("deploy", naming, provider, {
        subjects: [inEnvironment(applicationRepository), inEnvironment(infrastructureRepository)],
        statements: deployStatements(naming, application),
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
    { subjects, statements }: { subjects: string[]; statements: PolicyStatement[] },
  ): pulumi.Output<string> {
    const role = new aws.iam.Role(
      `ci-${key}`,
      {
        name: naming.ciRole(key),
        description: `GitHub Actions, ${key}`,
        assumeRolePolicy: githubTrustPolicy(naming.accountId, subjects),
        maxSessionDuration: MAXIMUM_SESSION_SECONDS,
        tags: naming.tags(),
      },
      // The trust policy contains the provider's ARN as text, not as an output.
      { parent: this, dependsOn: provider },
    );
    new aws.iam.RolePolicy(
      `ci-${key}`,
      { name: key, role: role.name, policy: policyDocument(statements) },
      { parent: role },
    );
    return role.arn;
  }
}

/** Returns the trust policy of a role that GitHub's tokens with one of `subjects` can assume. */
function githubTrustPolicy(accountId: string, subjects: string[]): string {
  return trustPolicy(
    { Federated: `arn:aws:iam::${accountId}:oidc-provider/${GITHUB_ISSUER}` },
    { StringEquals: { [`${GITHUB_ISSUER}:aud`]: AUDIENCE, [`${GITHUB_ISSUER}:sub`]: subjects } },
    "sts:AssumeRoleWithWebIdentity",
  );
}
