import type { Plant } from "./plant";

/** Problems of storage, names, roles and mail, before the first update. */
export const serviceAndMailPlants: Plant[] = [
  {
    what: "a secret that was never created",
    check: "secrets",
    plant: ({ account }, { secretsPath }) => account.parameters.delete(`${secretsPath}SENTRY_URL`),
    wrong: /^There are no SSM parameters \/iaso-secrets\/staging\/SENTRY_URL\.$/,
    fix: /^npm run init-stack -- staging$/,
  },
  {
    what: "disks without encryption",
    check: "EBS encryption by default",
    plant: ({ account }) => (account.encryptsDisks = false),
    wrong: /not encrypted in eu-central-1/,
    fix: /^aws ec2 enable-ebs-encryption-by-default --region eu-central-1$/,
  },
  ...["BlockPublicPolicy", "RestrictPublicBuckets"].map((member): Plant => ({
    what: `an account with ${member}`,
    check: "public access to S3",
    plant: ({ account }) => (account.publicAccessBlock = { BlockPublicAcls: true, [member]: true }),
    wrong: /account blocks public access/,
    fix: /cloudFront true; .*staticHost static\.example\.org$/,
  })),
  {
    what: "a bucket name that another account has",
    check: "bucket names",
    plant: ({ account }, { buckets }) => account.bucketsOfOthers.add(buckets[1]!),
    wrong: /Another AWS account has a bucket example-iaso-staging-media/,
    fix: /iaso:organization NAME/,
  },
  {
    what: "a bucket of the account that is not the stack's",
    check: "bucket names",
    plant: ({ account }, { buckets }) => account.buckets.set(buckets[0]!, undefined),
    wrong: /already has a bucket example-iaso-staging-static/,
    fix: /aws s3 rb s3:\/\/example-iaso-staging-static/,
  },
  {
    what: "a Beanstalk domain that is taken",
    check: "Beanstalk domains",
    plant: ({ account }) => account.domainsOfOthers.add("example-iaso-staging-enketo"),
    wrong: /example-iaso-staging-enketo\.eu-central-1\.elasticbeanstalk\.com is taken/,
    fix: /iaso:organization NAME/,
  },
  {
    what: "a missing service-linked role",
    check: "service-linked roles",
    plant: ({ account }) => account.roles.delete("AWSServiceRoleForElastiCache"),
    wrong: /no service-linked role AWSServiceRoleForElastiCache/,
    fix: /^aws iam create-service-linked-role --aws-service-name elasticache\.amazonaws\.com$/,
  },
  {
    what: "another environment in the account",
    check: "an account for each environment",
    settings: () => ({ sharedAccountReason: "" }),
    plant: ({ account }) => {
      account.environments.set("iaso-prod-worker", { solutionStack: "", status: "Ready", health: "Ok" });
      account.environments.set("iaso-prod", { solutionStack: "", status: "Ready", health: "Ok" });
      account.environments.set("other", { solutionStack: "", status: "Ready", health: "Ok" });
    },
    wrong: /also has the environment prod, and/,
    fix: /iaso:sharedAccountReason 'REASON'$/,
  },
  {
    what: "an identity provider that exists already",
    check: "identity provider of GitHub",
    plant: ({ account }) =>
      (account.identityProvider = {
        audiences: ["sts.amazonaws.com"],
        tags: { project: "iaso", env: "prod" },
      }),
    wrong: /already has the identity provider/,
    fix: /iaso:createOidcProvider false$/,
  },
  {
    what: "an identity provider that does not exist",
    check: "identity provider of GitHub",
    stack: "prod",
    plant: ({ account }) => (account.identityProvider = undefined),
    wrong: /has no identity provider/,
    fix: /iaso:createOidcProvider true$/,
  },
  {
    what: "an identity provider for another audience",
    check: "identity provider of GitHub",
    stack: "prod",
    plant: ({ account }) => (account.identityProvider = { audiences: ["https://github.com/x"], tags: {} }),
    wrong: /does not accept the audience sts\.amazonaws\.com/,
    fix: /add-client-id-to-open-id-connect-provider .*--client-id sts\.amazonaws\.com$/,
  },
  {
    what: "a mail server without an address",
    check: "mail server",
    plant: ({ dns }, { mail }) => Reflect.deleteProperty(dns, mail.host),
    wrong: /no address of the mail server smtp\.eu\.mailgun\.org/,
    fix: /iaso:emailHost/,
  },
  {
    what: "a mail server that nobody listens at",
    check: "mail server",
    settings: ({ mail }) => ({ mail: { ...mail, port: 1 } }),
    plant: () => undefined,
    wrong: /smtp\.eu\.mailgun\.org:1 refuses connections/,
    fix: /iaso:emailPort/,
  },
  {
    what: "a mail server without STARTTLS",
    check: "mail server",
    plant: (world) => (world.smtpExtensions = ["SIZE 1000", "HELP STARTTLS"]),
    wrong: /does not offer STARTTLS/,
    fix: /iaso:emailHost/,
  },
  {
    what: "a sender without SPF",
    check: "DNS records of the sender",
    settings: ({ mail }) => ({ mail: { ...mail, mailgun: undefined } }),
    plant: ({ dns }) => (dns["mg-staging.example.org"] = { TXT: ["google-site-verification=1"] }),
    wrong: /mg-staging\.example\.org has no SPF record/,
    fix: /TXT record of mg-staging\.example\.org/,
  },
];
