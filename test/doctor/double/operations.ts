import { AwsFault, listOf, type Xml } from "../../deploy/double/protocol";
import type { Account } from "./account";

/** A call of a service that has named operations. */
export interface Call {
  account: Account;
  /** Region that the request is signed for. */
  region: string;
  /** The address of the double itself; SQS gives out addresses of queues. */
  host: string;
  /** Members of a query. */
  form: URLSearchParams;
  /** Members of a JSON request. */
  json: Record<string, unknown>;
}

type Operation = (call: Call) => unknown;

const seconds = (date: Date | undefined) => (date === undefined ? undefined : date.getTime() / 1000);

const tagList = (tags: Record<string, string>) =>
  Object.entries(tags).map(([key, value]): Xml => ({ Key: key, Value: value }));
const tagSet = (tags: Record<string, string>) =>
  Object.entries(tags).map(([key, value]): Xml => ({ key, value }));

/** Values of an EC2 filter. */
function filter(form: URLSearchParams, name: string): string[] | undefined {
  for (let index = 1; form.has(`Filter.${index}.Name`); index += 1) {
    if (form.get(`Filter.${index}.Name`) !== name) continue;
    const values: string[] = [];
    for (let value = 1; form.has(`Filter.${index}.Value.${value}`); value += 1) {
      values.push(form.get(`Filter.${index}.Value.${value}`)!);
    }
    return values;
  }
  return undefined;
}

function database({ account, form }: Call) {
  const identifier = form.get("DBInstanceIdentifier") ?? "";
  const found = account.databases.get(identifier);
  if (found === undefined)
    throw new AwsFault("DBInstanceNotFound", `DBInstance ${identifier} not found.`, 404);
  return found;
}

function certificatesIn({ account, region }: Call) {
  return account.certificates
    .map((certificate, index) => ({
      ...certificate,
      arn: `arn:aws:acm:${certificate.region}:${account.id}:certificate/${index}`,
    }))
    .filter((certificate) => certificate.region === region);
}

function quota({ json }: Call, quotas: ReadonlyMap<string, number>) {
  const Value = quotas.get(`${String(json["ServiceCode"])} ${String(json["QuotaCode"])}`);
  if (Value === undefined) throw new AwsFault("NoSuchResourceException", "The quota was not found.");
  return { Quota: { ServiceCode: json["ServiceCode"], QuotaCode: json["QuotaCode"], Value } };
}

/** By IAM action; the names of the operations are the same. */
export const operations: Record<string, Operation> = {
  "sts:GetCallerIdentity": ({ account }) => ({
    UserId: "AIDAEXAMPLE",
    Account: account.id,
    Arn: `arn:aws:iam::${account.id}:user/admin`,
  }),

  "iam:GetRole": ({ account, form }) => {
    const RoleName = form.get("RoleName") ?? "";
    if (!account.roles.has(RoleName))
      throw new AwsFault("NoSuchEntity", `The role ${RoleName} cannot be found.`, 404);
    return { Role: { RoleName, Path: "/", RoleId: "AROAEXAMPLE", Arn: "arn", CreateDate: new Date(0) } };
  },
  "iam:GetOpenIDConnectProvider": ({ account, form }) => {
    const expected = `arn:aws:iam::${account.id}:oidc-provider/token.actions.githubusercontent.com`;
    const { identityProvider } = account;
    if (identityProvider === undefined || form.get("OpenIDConnectProviderArn") !== expected) {
      throw new AwsFault("NoSuchEntity", "OpenIDConnect Provider not found.", 404);
    }
    return { ClientIDList: identityProvider.audiences, Tags: tagList(identityProvider.tags) };
  },

  "ec2:GetEbsEncryptionByDefault": ({ account }) => ({ ebsEncryptionByDefault: account.encryptsDisks }),
  "ec2:DescribeSubnets": ({ account, form }) => ({
    subnetSet: (filter(form, "default-for-az")?.[0] === "true" ? account.defaultSubnets : []).map(
      (subnetId) => ({
        subnetId,
      }),
    ),
  }),
  "ec2:DescribeInstanceTypes": ({ account, form }) => {
    const types = filter(form, "instance-type") ?? [...account.instanceTypes.keys()];
    return {
      instanceTypeSet: types
        .filter((type) => account.instanceTypes.has(type))
        .map((type) => ({
          instanceType: type,
          vCpuInfo: { defaultVCpus: account.instanceTypes.get(type)! },
        })),
    };
  },
  "ec2:DescribeAvailabilityZones": ({ account, form }) => {
    const [type] = filter(form, "zone-type") ?? [];
    const [state] = filter(form, "state") ?? [];
    if (type !== "availability-zone" || state !== "available")
      throw new AwsFault("InvalidParameterValue", "The double knows available zones of this type only.");
    return { availabilityZoneInfo: account.availabilityZones.map((zoneName) => ({ zoneName })) };
  },
  "ec2:DescribeInstanceTypeOfferings": ({ account, form, region }) => {
    const places = form.get("LocationType") === "region" ? [region] : account.availabilityZones;
    const offered = (filter(form, "instance-type") ?? [])
      .filter((type) => account.instanceTypes.has(type))
      .flatMap((instanceType) => places.map((location) => ({ instanceType, location })))
      .filter(({ instanceType, location }) => !account.notOffered.has(`${instanceType} ${location}`));
    // Two offerings to a page.
    const start = Number(form.get("NextToken") ?? 0);
    return {
      instanceTypeOfferingSet: offered.slice(start, start + 2),
      nextToken: start + 2 < offered.length ? String(start + 2) : undefined,
    };
  },
  "ec2:DescribeInstances": ({ account, form }) => {
    const states = filter(form, "instance-state-name");
    const listed = account.instances.filter(({ state }) => states?.includes(state) ?? true);
    // Two instances to a page, as a large account has several pages.
    const start = Number(form.get("NextToken") ?? 0);
    return {
      reservationSet: listed.slice(start, start + 2).map(({ type, vcpus, environment, isSpot }) => ({
        instancesSet: [
          {
            instanceType: type,
            instanceLifecycle: isSpot === true ? "spot" : undefined,
            cpuOptions: { coreCount: vcpus / 2, threadsPerCore: 2 },
            tagSet: tagSet(
              environment === undefined ? {} : { "elasticbeanstalk:environment-name": environment },
            ),
          },
        ],
      })),
      nextToken: start + 2 < listed.length ? String(start + 2) : undefined,
    };
  },
  "ec2:DescribeAddresses": ({ account }) => ({
    addressesSet: account.addresses.map((tags) => ({ tagSet: tagSet(tags) })),
  }),
  "ec2:DescribeVpcs": ({ account }) => ({ vpcSet: account.vpcs.map((tags) => ({ tagSet: tagSet(tags) })) }),

  "elasticloadbalancing:DescribeLoadBalancers": ({ account }) => ({
    LoadBalancers: account.loadBalancers.map((Type) => ({ Type })),
  }),

  "elasticbeanstalk:ListAvailableSolutionStacks": ({ account }) => ({
    SolutionStacks: account.solutionStacks,
  }),
  "elasticbeanstalk:ListPlatformBranches": ({ account, form }) => {
    if (
      form.get("Filters.member.1.Attribute") !== "BranchName" ||
      form.get("Filters.member.1.Operator") !== "="
    ) {
      throw new AwsFault("ValidationError", "The double knows the filter BranchName = only.");
    }
    const branch = form.get("Filters.member.1.Values.member.1") ?? "";
    const state = account.branches.get(branch);
    return {
      PlatformBranchSummaryList: state === undefined ? [] : [{ BranchName: branch, LifecycleState: state }],
    };
  },
  "elasticbeanstalk:DescribeEnvironments": ({ account, form, region }) => {
    // Without names, Beanstalk lists all.
    const names = listOf(form, "EnvironmentNames");
    return {
      Environments: [...account.environments]
        .filter(([name]) => names.length === 0 || names.includes(name))
        .map(([name, { cnamePrefix, solutionStack, version, status, health }]) => ({
          EnvironmentName: name,
          CNAME: cnamePrefix === undefined ? undefined : `${cnamePrefix}.${region}.elasticbeanstalk.com`,
          SolutionStackName: solutionStack,
          VersionLabel: version,
          Status: status,
          Health: health,
        })),
    };
  },
  "elasticbeanstalk:CheckDNSAvailability": ({ account, form, region }) => {
    const prefix = form.get("CNAMEPrefix") ?? "";
    const isTaken =
      account.domainsOfOthers.has(prefix) ||
      [...account.environments.values()].some(({ cnamePrefix }) => cnamePrefix === prefix);
    return { Available: !isTaken, FullyQualifiedCNAME: `${prefix}.${region}.elasticbeanstalk.com` };
  },

  "servicequotas:GetServiceQuota": (call) => quota(call, call.account.quotas),
  "servicequotas:GetAWSDefaultServiceQuota": (call) =>
    quota(call, new Map([...call.account.quotas, ...call.account.defaultQuotas])),

  "acm:ListCertificates": (call) => ({
    CertificateSummaryList: certificatesIn(call).map(({ arn, host }) => ({
      CertificateArn: arn,
      DomainName: host,
    })),
  }),
  "acm:DescribeCertificate": (call) => {
    const found = certificatesIn(call).find(({ arn }) => arn === call.json["CertificateArn"]);
    if (found === undefined)
      throw new AwsFault("ResourceNotFoundException", "Could not find the certificate.");
    const { arn, failure, host, notAfter, renewal, status, validation } = found;
    return {
      Certificate: {
        CertificateArn: arn,
        DomainName: host,
        Status: status,
        NotAfter: seconds(notAfter),
        FailureReason: failure,
        ...(renewal !== undefined && { RenewalSummary: { RenewalStatus: renewal } }),
        ...(validation !== undefined && {
          DomainValidationOptions: [{ DomainName: host, ResourceRecord: validation }],
        }),
      },
    };
  },

  "rds:DescribeOrderableDBInstanceOptions": ({ account, form }) => {
    if (form.get("Engine") !== "postgres" || !form.has("DBInstanceClass") || form.has("EngineVersion"))
      throw new AwsFault("InvalidParameterValue", "The double knows the classes of PostgreSQL only.");
    const found = account.orderable.filter(
      ({ instanceClass }) => instanceClass === form.get("DBInstanceClass"),
    );
    // One option to a page.
    const start = Number(form.get("Marker") ?? 0);
    return {
      OrderableDBInstanceOptions: found
        .slice(start, start + 1)
        .map(({ instanceClass, multiAz, storage, version, zones }) => ({
          Engine: "postgres",
          EngineVersion: version,
          DBInstanceClass: instanceClass,
          StorageType: storage,
          MultiAZCapable: multiAz,
          SupportsStorageEncryption: true,
          SupportsEnhancedMonitoring: true,
          SupportsPerformanceInsights: true,
          AvailabilityZones: zones.map((Name) => ({ Name })),
        })),
      Marker: start + 1 < found.length ? String(start + 1) : undefined,
    };
  },
  "rds:DescribeDBInstances": (call) => {
    if (call.form.get("DBInstanceIdentifier") === null) {
      return {
        DBInstances: [...call.account.databases].map(([DBInstanceIdentifier, { created }]) => ({
          DBInstanceIdentifier,
          InstanceCreateTime: created,
        })),
      };
    }
    const { allocated, created, key, latestRestorable, managesPassword, retentionDays } = database(call);
    return {
      DBInstances: [
        {
          DBInstanceIdentifier: call.form.get("DBInstanceIdentifier")!,
          AllocatedStorage: allocated,
          BackupRetentionPeriod: retentionDays,
          InstanceCreateTime: created,
          KmsKeyId: key,
          LatestRestorableTime: latestRestorable,
          ...(managesPassword === true && { MasterUserSecret: { SecretStatus: "active" } }),
        },
      ],
    };
  },
  "rds:DescribeDBSnapshots": ({ account, form }) => {
    const identifier = form.get("DBSnapshotIdentifier") ?? "";
    const found = account.snapshots.get(identifier.split(":").at(-1) ?? "");
    if (found === undefined)
      throw new AwsFault("DBSnapshotNotFound", `DBSnapshot ${identifier} not found.`, 404);
    return {
      DBSnapshots: [
        {
          DBSnapshotIdentifier: identifier,
          Status: found.status,
          Encrypted: found.isEncrypted,
          EngineVersion: found.version,
          MasterUsername: found.username,
          AllocatedStorage: found.allocated,
        },
      ],
    };
  },
  "rds:DescribeDBInstanceAutomatedBackups": (call) => {
    const { earliestRestorable, latestRestorable } = database(call);
    return {
      DBInstanceAutomatedBackups: [
        {
          Status: "active",
          RestoreWindow: { EarliestTime: earliestRestorable, LatestTime: latestRestorable },
        },
      ],
    };
  },
  "cloudwatch:GetMetricStatistics": ({ account, json }) => {
    const [dimension] = json["Dimensions"] as { Name: string; Value: string }[];
    const free = account.databases.get(dimension?.Value ?? "")?.free;
    const isKnown = json["Namespace"] === "AWS/RDS" && json["MetricName"] === "FreeStorageSpace";
    return {
      Datapoints: isKnown && free !== undefined ? [{ Minimum: free * 1024 ** 3, Unit: "Bytes" }] : [],
    };
  },

  "sqs:GetQueueUrl": ({ account, host, json }) => {
    const name = String(json["QueueName"]);
    if (!account.queues.has(name)) {
      throw new AwsFault("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.");
    }
    return { QueueUrl: `http://${host}/${account.id}/${name}` };
  },
  "sqs:GetQueueAttributes": ({ account, json }) => {
    const name = String(json["QueueUrl"]).split("/").at(-1)!;
    const messages = account.queues.get(name);
    if (messages === undefined) {
      throw new AwsFault("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.");
    }
    return {
      Attributes: {
        ApproximateNumberOfMessages: String(messages),
        QueueArn: `arn:aws:sqs:${account.region}:${account.id}:${name}`,
      },
    };
  },

  "sns:ListSubscriptionsByTopic": ({ account, form }) => {
    const subscriptions = account.topics.get(form.get("TopicArn") ?? "");
    if (subscriptions === undefined) throw new AwsFault("NotFound", "Topic does not exist", 404);
    return {
      Subscriptions: subscriptions.map(({ endpoint, isConfirmed }) => ({
        Protocol: "email",
        Endpoint: endpoint,
        SubscriptionArn: isConfirmed ? `${form.get("TopicArn")!}:0123` : "PendingConfirmation",
      })),
    };
  },

  "ssm:DescribeParameters": ({ account, json }) => {
    const [{ Key, Option, Values }] = json["ParameterFilters"] as [
      { Key: string; Option: string; Values: string[] },
    ];
    const matches = (name: string) =>
      Key === "Path" && Option === "Recursive"
        ? name.startsWith(`${Values[0]!}/`)
        : Key === "Name" && Option === "Equals" && Values.includes(name);
    return {
      Parameters: [...account.parameters]
        .filter(([name]) => matches(name))
        .map(([Name, date]) => ({ Name, LastModifiedDate: seconds(date) })),
    };
  },
};
