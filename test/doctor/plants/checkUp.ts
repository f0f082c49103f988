import type { Stack } from "../../../doctor/stack";
import { STATIC_FILE, VERSION } from "../double/account";
import type { World } from "../lab";
import { daysFromNow, type Plant } from "./plant";

const environmentOf = (world: World, name: string) => world.account.environments.get(name)!;
const databaseOf = (world: World, stack: Stack) => world.account.databases.get(stack.databaseIdentifier)!;

const vaultOf = (account: World["account"], vault = "eu-central-1 iaso-prod") => account.vaults.get(vault)!;

/** Problems of a stack that is deployed. */
export const checkUpPlants: Plant[] = [
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
    fix: /^npm run platform -- staging --update; pulumi up --stack staging$/,
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
    what: "media that AWS Backup did not back up completely",
    check: "backups of AWS Backup",
    stack: "prod",
    exists: true,
    plant: ({ account }) => (vaultOf(account).points[1]!.status = "PARTIAL"),
    wrong: /^The vault iaso-prod in eu-central-1 got no backup of media in the last 48 hours\.$/,
    fix: /aws backup list-backup-jobs --region eu-central-1 --by-resource-type S3$/,
  },
  {
    what: "a backup of the database that was not copied",
    check: "backups of AWS Backup",
    stack: "prod",
    exists: true,
    plant: ({ account }) => (vaultOf(account, "eu-west-3 iaso-prod-copy").points[0]!.at = daysFromNow(-2.1)),
    wrong:
      /^The vault iaso-prod-copy in eu-west-3 got no copy of a backup of the database in the last 48 hours/,
    fix: /aws backup list-copy-jobs --region eu-central-1 --by-resource-type RDS$/,
  },
  {
    what: "a vault whose lock was removed",
    check: "locks of the backup vaults",
    stack: "prod",
    exists: true,
    plant: ({ account }) => delete vaultOf(account, "eu-west-3 iaso-prod-copy").lock,
    wrong: /^The vault iaso-prod-copy in eu-west-3 has no lock\.$/,
    fix: /administrator.*pulumi refresh --stack prod && pulumi up --stack prod$/,
  },
  {
    what: "a lock in governance mode",
    check: "locks of the backup vaults",
    stack: "prod",
    exists: true,
    settings: ({ backup }) => ({ backup: { ...backup!, lock: "compliance" } }),
    plant: ({ account }) => delete vaultOf(account).lock!.lockDate,
    wrong:
      /^The lock of the vault iaso-prod in eu-central-1 is in governance mode, and backupLock is compliance\.$/,
    fix: /pulumi up --stack prod$/,
  },
  {
    what: "a lock that becomes final, against the settings",
    check: "locks of the backup vaults",
    stack: "prod",
    exists: true,
    plant: ({ account }) => (vaultOf(account).lock!.lockDate = daysFromNow(2)),
    wrong: /is in compliance mode, and backupLock is governance\.$/,
    fix: /^Until 2026-11-27T12:00:00.000Z: aws backup delete-backup-vault-lock-configuration --region eu-central-1 --backup-vault-name iaso-prod;/,
  },
  {
    what: "a lock that became final, against the settings",
    check: "locks of the backup vaults",
    stack: "prod",
    exists: true,
    plant: ({ account }) => (vaultOf(account).lock!.lockDate = daysFromNow(-2)),
    wrong: /is in compliance mode, and backupLock is governance\.$/,
    fix: /^Nobody can change the lock any more\. .*pulumi config set --stack prod iaso:backupLock compliance$/,
  },
  {
    what: "a lock that lets backups be deleted soon",
    check: "locks of the backup vaults",
    stack: "prod",
    exists: true,
    plant: ({ account }) => (vaultOf(account).lock!.min = 1),
    wrong: /accepts backups of 1 to 3650 days, not of 7 to 3650\.$/,
    fix: /pulumi up --stack prod$/,
  },
  {
    what: "a final lock that refuses long backups",
    check: "locks of the backup vaults",
    stack: "prod",
    exists: true,
    settings: ({ backup }) => ({ backup: { ...backup!, lock: "compliance" } }),
    plant: ({ account }) => (vaultOf(account).lock!.max = 30),
    wrong: /accepts backups of 7 to 30 days/,
    fix: /Set a number of days between its limits: pulumi config set --stack prod iaso:backupDays DAYS$/,
  },
  ...(
    [
      [
        "rehearsal-7",
        -2,
        /^A run left iaso-staging-rehearsal-7, 2 days old\.$/,
        / rehearse staging --delete-copies$/,
      ],
      [
        "restored-8",
        -2,
        /^A run left iaso-staging-restored-8, 2 days old\.$/,
        / resume staging, or: .* abandon staging$/,
      ],
      [
        "replaced-9",
        -300,
        /^The replaced database iaso-staging-replaced-9 still exists\.$/,
        / delete-replaced staging$/,
      ],
    ] as const
  ).map(([name, days, wrong, fix]): Plant => ({
    what: `a copy of the database that was left: ${name}`,
    check: "copies of the database",
    exists: true,
    plant: (world, stack) => {
      const database = { ...databaseOf(world, stack), created: daysFromNow(days) };
      world.account.databases.set(`${stack.databaseIdentifier}-${name}`, database);
      // Of a rehearsal that goes on, and of another environment.
      world.account.databases.set(`${stack.databaseIdentifier}-rehearsal-10`, {
        ...database,
        created: daysFromNow(-0.5),
      });
      world.account.databases.set(`${stack.databaseIdentifier}-qa-rehearsal-1`, database);
    },
    wrong,
    fix,
  })),
  {
    what: "a rehearsal that failed",
    check: "rehearsal of a restore",
    exists: true,
    plant: ({ account }, stack) =>
      account.objects.get(stack.artifactsBucket)?.push("drills/staging/2026-11-20T03:00:00.000Z-failed.json"),
    wrong: /The last rehearsal of a restore failed, at 2026-11-20T03:00Z/,
    fix: /^npm run database -- rehearse staging$/,
  },
  {
    what: "a rehearsal that is too long ago",
    check: "rehearsal of a restore",
    exists: true,
    plant: ({ account }, stack) =>
      account.objects.set(stack.artifactsBucket, ["drills/staging/2026-10-01T03:00:00.000Z-succeeded.json"]),
    wrong: /was rehearsed in the last 35 days: the last was at 2026-10-01T03:00Z/,
    fix: /^npm run database -- rehearse staging$/,
  },
  {
    what: "a database whose restore was never rehearsed",
    check: "rehearsal of a restore",
    exists: true,
    plant: ({ account }) => account.objects.delete("example-iaso-staging-artifacts"),
    wrong: /No restore of iaso-staging was rehearsed in the last 35 days\.$/,
    fix: /^npm run database -- rehearse staging$/,
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
    what: "a database with the password that RDS chose",
    check: "password of the database",
    exists: true,
    plant: ({ account }, { databaseIdentifier }) =>
      (account.databases.get(databaseIdentifier)!.managesPassword = true),
    wrong: /^The database iaso-staging has the password that RDS chose/,
    fix: /^npm run init-stack -- staging$/,
  },
  {
    what: "a database with AWS's key in a stack with one of its own",
    check: "KMS key of the database",
    exists: true,
    stack: "prod",
    plant: ({ account }, { databaseIdentifier }) =>
      (account.databases.get(databaseIdentifier)!.key =
        "arn:aws:kms:eu-central-1:210987654321:key/00000000-0000-0000-0000-000000000000"),
    wrong: /^The database iaso-prod is encrypted with arn:aws:kms:.*0000, not with alias\/iaso-prod\.$/,
    fix: /^npm run database -- restore prod --snapshot iaso-prod-with-key, after the steps in docs\/operations\.md/,
  },
  {
    what: "a database without a key in a stack with one of its own",
    check: "KMS key of the database",
    exists: true,
    stack: "prod",
    plant: ({ account }, { databaseIdentifier }) =>
      (account.databases.get(databaseIdentifier)!.key = undefined),
    wrong: /is encrypted with no KMS key/,
    fix: /^npm run database -- restore prod/,
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
    wrong: /\/iaso-secrets\/staging\/SECRET_KEY is 366 days old/,
    fix: /^npm run init-stack -- staging --rotate SECRET_KEY /,
  },
];
