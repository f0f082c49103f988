import { APPLICATION, type ExistingAccount, setOption } from "./double/account";

/** An oddity of a hand-made platform, and the notes that must name it. */
export interface Plant {
  name: string;
  plant: (account: ExistingAccount) => void;
  /** Notes that appear, one for each pattern: of the kind and the sentence. */
  adds: RegExp[];
  /** Notes that disappear, because the oddity takes their subject away. */
  removes?: RegExp[];
  /** Plants of one group contradict each other. */
  group?: string;
  /** True if it takes away what other oddities are about. */
  isAlone?: true;
}

const media = (account: ExistingAccount) => account.buckets.get("old-iaso-media")!;

export const PLANTS: readonly Plant[] = [
  {
    name: "public ACLs",
    plant: (account) => {
      media(account).publicAccessBlock = undefined;
      media(account).hasPublicAcl = true;
    },
    adds: [/^changes: old-iaso-media allows public ACLs\./],
    group: "access block",
  },
  {
    name: "a public bucket policy",
    plant: (account) => {
      media(account).policyIsPublic = true;
      media(account).publicAccessBlock = { IgnorePublicAcls: true };
    },
    adds: [/^changes: old-iaso-media has a policy that lets everybody in\./],
    group: "access block",
  },
  {
    name: "static files among media",
    plant: (account) => {
      media(account).keys.push("iasostatics/css/index.css");
    },
    adds: [/^changes: old-iaso-media holds static files and media together\./],
  },
  {
    name: "no versions",
    plant: (account) => {
      media(account).hasVersions = false;
    },
    adds: [/^changes: old-iaso-media keeps no versions\./],
  },
  {
    name: "no encryption of media",
    plant: (account) => {
      media(account).isEncrypted = false;
    },
    adds: [/^changes: old-iaso-media is not encrypted\./],
  },
  {
    name: "an unencrypted database",
    plant: (account) => {
      account.databases[0]!.StorageEncrypted = false;
    },
    adds: [/^changes: The database old-iaso is not encrypted\./],
  },
  {
    name: "a public database",
    plant: (account) => {
      account.databases[0]!.PubliclyAccessible = true;
    },
    adds: [/^changes: The database old-iaso has a public address\./],
  },
  {
    name: "an old PostgreSQL",
    plant: (account) => {
      account.databases[0]!.EngineVersion = "12.17";
    },
    adds: [/^changes: The database old-iaso runs PostgreSQL 12\.17\./],
  },
  {
    name: "a database without standby, protection and backups",
    plant: (account) => {
      Object.assign(account.databases[0]!, {
        MultiAZ: false,
        DeletionProtection: false,
        BackupRetentionPeriod: 1,
      });
    },
    adds: [
      /^changes: The database old-iaso has no standby\./,
      /^changes: The database old-iaso keeps backups for 1 days\./,
      /^changes: The database old-iaso has no deletion protection\./,
    ],
  },
  {
    name: "an instance class that RDS has no more",
    plant: (account) => {
      account.databases[0]!.DBInstanceClass = "db.m2.huge";
    },
    adds: [
      /^decide: RDS does not offer db\.m2\.huge/,
      /^taken over: The size of the database old-iaso: db\.t4g/,
    ],
    removes: [/^taken over: The size of the database old-iaso: db\.m5/],
  },
  {
    name: "a user that is not the master user",
    plant: (account) => {
      account.databases[0]!.MasterUsername = "postgres";
    },
    adds: [/^decide: Iaso connects as iaso, and the master user of the database is postgres\./],
  },
  {
    name: "a read replica",
    plant: (account) => {
      account.databases[0]!.replicas = ["old-iaso-reports"];
    },
    adds: [/^decide: The database old-iaso has the read replicas old-iaso-reports\./],
  },
  {
    name: "a coupled database",
    plant: ({ web }) => {
      setOption(web, "aws:rds:dbinstance", "HasCoupledDatabase", "true");
      setOption(web, "aws:rds:dbinstance", "DBPassword", "LeakMarkCoupled1");
    },
    adds: [/^decide: The database belongs to the environment iaso-prod\./],
  },
  {
    name: "an unknown variable",
    plant: ({ worker }) => {
      worker.variables["COUNTRY_BROKER"] = "LeakMarkUnknown1";
    },
    adds: [/^unknown: The variable COUNTRY_BROKER \(iaso-prod-worker\) stays behind\./],
  },
  {
    name: "a variable that Iaso reads no longer",
    plant: ({ web, worker }) => {
      for (const { variables } of [web, worker]) variables["EMAIL_USE_TLS"] = "true";
    },
    adds: [/^changes: The variable EMAIL_USE_TLS \(iaso-prod, iaso-prod-worker\) stays behind\./],
  },
  {
    name: "a token that Iaso reads no longer",
    plant: ({ web }) => {
      web.variables["OPENHEXA_TOKEN"] = "LeakMarkFormer01";
    },
    adds: [/^changes: The variable OPENHEXA_TOKEN \(iaso-prod\) stays behind\./],
  },
  {
    name: "a variable without a setting",
    plant: ({ web }) => {
      web.variables["THEME_PRIMARY_COLOR"] = "#00aa00";
      // The default changes nothing.
      web.variables["APP_TITLE"] = "Iaso";
    },
    adds: [/^decide: The variable THEME_PRIMARY_COLOR \(iaso-prod\) stays behind/],
  },
  {
    name: "development switches and static keys",
    plant: ({ web }) => {
      web.variables["DEBUG"] = "true";
      web.variables["AWS_SECRET_ACCESS_KEY"] = "LeakMarkStaticKey";
    },
    adds: [
      /^changes: The variable DEBUG \(iaso-prod\) stays behind\./,
      /^changes: The variable AWS_SECRET_ACCESS_KEY \(iaso-prod\) stays behind\./,
      /^changes: iaso-prod has secrets as plain variables: AWS_SECRET_ACCESS_KEY\./,
    ],
    group: "plain secrets",
  },
  {
    name: "plain secrets",
    plant: ({ web }) => {
      for (const name of Object.keys(web.secretVariables)) web.variables[name] = `LeakMark-${name}`;
      web.secretVariables = {};
    },
    adds: [
      /^changes: iaso-prod has secrets as plain variables: EMAIL_HOST_PASSWORD, .*SECRET_KEY, SENTRY_URL\./,
    ],
    removes: [/^taken over: iaso-prod has secrets by reference/],
    group: "plain secrets",
  },
  {
    name: "different keys",
    plant: ({ web, worker }) => {
      web.variables["SECRET_KEY"] = "LeakMarkWebKey01";
      worker.variables["SECRET_KEY"] = "LeakMarkWorkerKey";
    },
    adds: [
      /^decide: SECRET_KEY differs between iaso-prod and iaso-prod-worker\./,
      /^changes: iaso-prod has secrets as plain variables: SECRET_KEY\./,
      /^changes: iaso-prod-worker has secrets as plain variables: SECRET_KEY\./,
    ],
    group: "plain secrets",
  },
  {
    name: "Signature Version 2",
    plant: (account) => {
      account.region = "eu-west-1";
    },
    adds: [
      /^decide: The existing Iaso is in eu-west-1, where S3 accepts Signature Version 2\. The file has eu-central-1\./,
      /^changes: The buckets accept Signature Version 2\./,
      /^taken over: The existing Iaso is in eu-west-1\./,
    ],
    removes: [/^taken over: The existing Iaso is in eu-central-1\./],
  },
  {
    name: "mixed versions",
    plant: ({ worker }) => {
      worker.version = "2026.03-aaaaaaaaaaaa";
    },
    adds: [/^decide: iaso-prod runs the version 2026\.08-0123456789ab, and iaso-prod-worker 2026\.03/],
    removes: [/^taken over: The version 2026\.08/],
    group: "worker",
  },
  {
    name: "a worker without a queue",
    plant: ({ worker }) => {
      worker.queueUrl = undefined;
    },
    adds: [/^changes: The worker iaso-prod-worker has no queue\./],
    group: "worker",
  },
  {
    name: "a web environment that sends tasks elsewhere",
    plant: ({ web }) => {
      Reflect.deleteProperty(web.variables, "BEANSTALK_SQS_URL");
    },
    adds: [/^changes: iaso-prod does not send tasks to the queue that iaso-prod-worker reads\./],
    group: "worker",
  },
  {
    name: "no worker",
    plant: (account) => {
      account.environments = account.environments.filter(({ tier }) => tier !== "Worker");
    },
    adds: [/^changes: The existing Iaso has no worker environment\./],
    removes: [
      /^taken over: The size of iaso-prod-worker/,
      /^taken over: iaso-prod-worker has secrets by reference/,
    ],
    isAlone: true,
  },
  {
    name: "waiting tasks, no dead letters, no encryption",
    plant: (account) => {
      for (const [url] of account.queues)
        account.queues.set(url, {
          ApproximateNumberOfMessages: "4",
          ApproximateNumberOfMessagesNotVisible: "1",
        });
    },
    adds: [
      /^decide: 5 tasks wait in the queue\./,
      /^changes: The queue has no dead-letter queue\./,
      /^changes: The queue is not encrypted\./,
    ],
  },
  {
    name: "two Enketos",
    plant: (account) => {
      account.environments.push({
        ...account.enketo,
        name: "enketo-old",
        application: APPLICATION,
        cname: "enketo-old.eu-central-1.elasticbeanstalk.com",
        endpoint: undefined,
      });
    },
    adds: [
      /^decide: There is another Enketo, enketo-old, to which ENKETO_URL does not point\./,
      /^taken over: enketo-old has secrets by reference/,
    ],
    group: "enketo",
  },
  {
    name: "an Enketo without a key of its own",
    plant: ({ enketo }) => {
      Reflect.deleteProperty(enketo.secretVariables, "ENKETO_ENCRYPTION_KEY");
    },
    adds: [
      /^changes: enketo-prod has no ENKETO_ENCRYPTION_KEY\./,
      /^taken over: enketo-prod has secrets by reference: ENKETO_API_KEY\./,
      /^taken over: The secrets (?!.*ENKETO_ENCRYPTION_KEY)/,
    ],
    removes: [/^taken over: enketo-prod has secrets by reference/, /^taken over: The secrets /],
    group: "enketo",
  },
  {
    name: "one unencrypted Redis without snapshots, of an old type, for both",
    plant: (account) => {
      account.redis = [
        { ...account.redis[0]!, group: undefined, nodes: 1, snapshotDays: 0, isEncrypted: false },
      ];
      account.enketo.variables["ENKETO_REDIS_CACHE_URL"] = account.enketo.variables["ENKETO_REDIS_MAIN_URL"]!;
    },
    adds: [
      /^taken over: The size of Enketo's Redis old-main-001/,
      /^changes: Enketo's Redis old-main-001 is not encrypted\./,
      /^changes: Enketo's Redis old-main-001 has no snapshots\./,
      /^changes: Enketo's Redis old-main-001 has one node\./,
      /^changes: Enketo keeps its data and its cache in one Redis, old-main-001\./,
    ],
    removes: [/^taken over: The size of Enketo's Redis old-main:/],
  },
  {
    name: "a classic load balancer",
    plant: ({ web }) => {
      setOption(web, "aws:elasticbeanstalk:environment", "LoadBalancerType", "classic");
      web.options = web.options.filter(({ namespace }) => !namespace.startsWith("aws:elbv2:"));
      setOption(web, "aws:elb:listener", "ListenerEnabled", "false");
      setOption(
        web,
        "aws:elb:listener:443",
        "SSLCertificateId",
        "arn:aws:acm:eu-central-1:123456789012:certificate/1",
      );
    },
    adds: [/^changes: iaso-prod has a classic load balancer\./],
    group: "load balancer",
  },
  {
    name: "a Python platform of Amazon Linux 2",
    plant: ({ web, worker }) => {
      for (const one of [web, worker]) one.platform = "64bit Amazon Linux 2 v3.3.9 running Python 3.8";
    },
    adds: [
      /^changes: iaso-prod runs on 64bit Amazon Linux 2 v3\.3\.9 running Python 3\.8\. The new one runs on .* Python 3\.13\./,
      /^changes: iaso-prod-worker runs on 64bit Amazon Linux 2 v3\.3\.9 running Python 3\.8\./,
    ],
    group: "platform",
  },
  {
    name: "an old platform version",
    plant: ({ web }) => {
      web.platform = "64bit Amazon Linux 2 v3.4.9 running Docker";
    },
    adds: [/^changes: iaso-prod runs on 64bit Amazon Linux 2 v3\.4\.9 running Docker\./],
    group: "platform",
  },
  {
    name: "a single small instance",
    plant: ({ web }) => {
      setOption(web, "aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance");
      setOption(web, "aws:ec2:instances", "InstanceTypes", "t4g.large");
    },
    adds: [
      /^taken over: The size of iaso-prod: t3\.xlarge, 2 to 2 instances\./,
      /^decide: The instances of iaso-prod are of the type t4g\.large/,
      /^changes: iaso-prod has 1 instance\./,
    ],
    removes: [/^taken over: The size of iaso-prod: t3\.xlarge, 2 to 6/],
  },
  {
    name: "an SSH key, an image and a port without TLS",
    plant: ({ web }) => {
      setOption(web, "aws:autoscaling:launchconfiguration", "EC2KeyName", "iaso-eb");
      setOption(web, "aws:autoscaling:launchconfiguration", "ImageId", "ami-048b685ac1c9b5698");
      setOption(web, "aws:elbv2:listener:default", "ListenerEnabled", "true");
    },
    adds: [
      /^changes: The instances of iaso-prod have the SSH key iaso-eb\./,
      /^changes: The instances of iaso-prod have the image ami-048b685ac1c9b5698\./,
      /^changes: iaso-prod answers at port 80\./,
    ],
    group: "load balancer",
  },
  {
    name: "options without a setting, and an unknown one",
    plant: ({ web }) => {
      setOption(web, "aws:ec2:instances", "EnableSpot", "true");
      setOption(web, "aws:elasticbeanstalk:future", "Knob", "LeakMarkOption01");
    },
    adds: [
      /^decide: The option aws:ec2:instances EnableSpot of iaso-prod is true\./,
      /^unknown: The option aws:elasticbeanstalk:future Knob of iaso-prod stays behind\./,
    ],
  },
  {
    name: "the default VPC",
    plant: (account) => {
      account.vpcs = [{ id: "vpc-0aaaaaaaaaaaaaaaa", cidr: "172.31.0.0/16", isDefault: true }];
      for (const one of account.environments)
        one.options = one.options.filter(({ namespace }) => namespace !== "aws:ec2:vpc");
    },
    adds: [/^changes: The instances are in the account's default VPC vpc-0aaaaaaaaaaaaaaaa/],
  },
  {
    name: "an imported certificate",
    plant: (account) => {
      account.certificates[0]!.type = "IMPORTED";
    },
    adds: [/^changes: The certificate of iaso\.example\.org is imported/],
  },
  {
    name: "another mail server at a port of its own",
    plant: ({ web }) => {
      web.variables["EMAIL_HOST"] = "smtp.mail.example.net";
      web.variables["EMAIL_PORT"] = "465";
    },
    adds: [
      /^taken over: EMAIL_HOST: smtp\.mail\.example\.net/,
      /^decide: The policy config accepts the mail server smtp\.mail\.example\.net/,
      /^changes: Mail goes out at port 465\./,
    ],
    removes: [/^taken over: EMAIL_HOST:/, /^taken over: EMAIL_PORT:/, /^taken over: Mailgun's DNS records/],
  },
  {
    name: "a plugin of another repository, a misspelt one, and the former switch for polio",
    plant: ({ web, worker }) => {
      for (const { variables } of [web, worker]) {
        variables["PLUGINS"] = "regsitry,snt_malaria";
        variables["PLUGIN_POLIO_ENABLED"] = "true";
      }
    },
    adds: [
      /^taken over: The plugin polio\./,
      /^decide: The plugin snt_malaria does not come with Iaso\./,
      /^decide: The variable PLUGINS names "regsitry", which is no plugin\./,
      /^changes: The variable PLUGIN_POLIO_ENABLED/,
    ],
    group: "plugins",
  },
  {
    name: "plugins on the web environment only",
    plant: ({ web }) => {
      web.variables["PLUGINS"] = "polio";
    },
    adds: [
      /^taken over: The plugin polio\./,
      /^changes: iaso-prod-worker has other plugins than iaso-prod: none\./,
    ],
    group: "plugins",
  },
  {
    name: "a zone of nobody",
    plant: (account) => {
      account.zones = [];
    },
    adds: [
      /^taken over: The host name iaso\.example\.org \(webHost\)/,
      /^taken over: The host name enketo\.example\.org \(enketoHost\)/,
      /^decide: The account has no public hosted zone of example\.org\./,
      /^decide: No Beanstalk environment of this account and region is the Enketo of ENKETO_URL\./,
      /^taken over: The secrets (?!.*ENKETO_ENCRYPTION_KEY)/,
      /^taken over: The program sets for its own resources: (?!.*ENKETO_REDIS)/,
    ],
    removes: [
      /^taken over: The program sets for its own resources/,
      /^changes: webHost is /,
      /^changes: enketoHost is /,
      /^taken over: The hosted zone example\.org/,
      /^decide: The version of Enketo/,
      /^taken over: The size of enketo-prod/,
      /^taken over: The size of Enketo's Redis/,
      /^taken over: enketo-prod has secrets by reference/,
      /^taken over: The secrets /,
    ],
    isAlone: true,
  },
  {
    name: "media on another server",
    plant: ({ web }) => {
      web.variables["AWS_S3_ENDPOINT_URL"] = "https://minio.example.net";
    },
    adds: [
      /^decide: AWS_S3_ENDPOINT_URL is set/,
      /^decide: The variable AWS_S3_ENDPOINT_URL \(iaso-prod\) stays behind/,
    ],
  },
  {
    name: "documents that the polio plugin publishes",
    plant: (account) => {
      account.buckets.set("old-iaso-public", { ...media(account), hasPublicAcl: true });
      account.web.variables["AWS_PUBLIC_STORAGE_BUCKET_NAME"] = "old-iaso-public";
    },
    adds: [
      /^decide: The polio plugin publishes documents from old-iaso-public\./,
      /^taken over: The program sets for its own resources: AWS_PUBLIC_STORAGE_BUCKET_NAME/,
    ],
    removes: [/^taken over: The program sets for its own resources/],
    group: "program",
  },
  {
    name: "no permission to read databases",
    plant: (account) => {
      account.denied.add("rds:DescribeDBInstances");
    },
    adds: [
      /^unknown: The database could not be read\. the permission rds:DescribeDBInstances is missing/,
      /^decide: The size of the database, which could not be read/,
    ],
    removes: [/^taken over: The size of the database/],
    isAlone: true,
  },
];

/** Platforms as people made them over the years, by the names of their oddities. */
export const GENERATIONS: Readonly<Record<string, readonly string[]>> = {
  "by hand in 2019": [
    "public ACLs",
    "static files among media",
    "no versions",
    "no encryption of media",
    "an unencrypted database",
    "a public database",
    "an old PostgreSQL",
    "a database without standby, protection and backups",
    "a coupled database",
    "plain secrets",
    "a token that Iaso reads no longer",
    "a plugin of another repository, a misspelt one, and the former switch for polio",
    "waiting tasks, no dead letters, no encryption",
    "an Enketo without a key of its own",
    "one unencrypted Redis without snapshots, of an old type, for both",
    "a classic load balancer",
    "a Python platform of Amazon Linux 2",
    "the default VPC",
    "an imported certificate",
  ],
  "by Terraform in 2022": [
    "static files among media",
    "an unencrypted database",
    "a user that is not the master user",
    "a variable that Iaso reads no longer",
    "a variable without a setting",
    "development switches and static keys",
    "Signature Version 2",
    "mixed versions",
    "two Enketos",
    "an old platform version",
    "an SSH key, an image and a port without TLS",
    "documents that the polio plugin publishes",
  ],
  "with secrets by reference in 2026": [],
};
