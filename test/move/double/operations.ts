import { AwsFault, listOf, type Xml } from "../../deploy/double/protocol";
import { PLATFORM_BRANCHES } from "../../../policies/facts/platformBranches";
import { allOptions, type ExistingAccount, PLATFORM_IMAGE, type SnapshotDouble } from "./account";

interface Call {
  account: ExistingAccount;
  /** Region that the request is signed for. */
  region: string;
  /** Members of a query. */
  form: URLSearchParams;
  /** Members of a JSON request. */
  json: Record<string, unknown>;
}

/** Few to a page, so that reading all takes several pages. */
const PAGE = 2;

/** A page of a list. AWS refuses a token that it did not give out. */
function page<T>(all: readonly T[], token: string | null): { items: T[]; next: string | undefined } {
  const start = Number(token ?? 0);
  if (!Number.isInteger(start) || start < 0) throw new AwsFault("InvalidParameterValue", "Invalid token");
  const end = start + PAGE;
  return { items: all.slice(start, end), next: end < all.length ? String(end) : undefined };
}

const environmentArn = ({ id, region }: ExistingAccount, application: string, name: string) =>
  `arn:aws:elasticbeanstalk:${region}:${id}:environment/${application}/${name}`;

/** The environments of the account; there are none in another region. */
const inRegion = ({ account, region }: Call) => (region === account.region ? account.environments : []);

function environmentOf(call: Call) {
  const name = call.form.get("EnvironmentName");
  const found = inRegion(call).find((one) => one.name === name);
  if (found === undefined)
    throw new AwsFault(
      "InvalidParameterValue",
      `No Environment found for EnvironmentName = '${name ?? ""}'.`,
    );
  return found;
}

function addSnapshot(account: ExistingAccount, name: string, own: Omit<SnapshotDouble, "looks">): Xml {
  if (account.snapshots.has(name))
    throw new AwsFault("DBSnapshotAlreadyExists", `Cannot create the snapshot: ${name} already exists.`);
  account.snapshots.set(name, { ...own, looks: account.looks });
  return { DBSnapshot: { DBSnapshotIdentifier: name, Status: "creating" } };
}

export const operations: Record<string, (call: Call) => unknown> = {
  "sts:GetCallerIdentity": ({ account }) => ({
    UserId: "AIDAEXAMPLE",
    Account: account.id,
    Arn: `arn:aws:${account.caller.startsWith("assumed-role/") ? "sts" : "iam"}::${account.id}:${account.caller}`,
  }),
  "iam:GetRole": ({ account, form }) => {
    const name = form.get("RoleName") ?? "";
    const path = account.rolePaths.get(name);
    if (path === undefined)
      throw new AwsFault("NoSuchEntity", `The role with name ${name} cannot be found.`, 404);
    const Arn = `arn:aws:iam::${account.id}:role${path}${name}`;
    return { Role: { Path: path, RoleName: name, RoleId: "AROAEXAMPLE", Arn, CreateDate: new Date(0) } };
  },
  "iam:GetOpenIDConnectProvider": ({ account }) => {
    if (!account.hasIdentityProvider)
      throw new AwsFault("NoSuchEntity", "OpenIDConnect Provider not found.", 404);
    return { Url: "token.actions.githubusercontent.com" };
  },

  "elasticbeanstalk:DescribeEnvironments": (call) => {
    const { account, form } = call;
    const most = form.get("MaxRecords");
    if (most !== null && (Number(most) < 1 || Number(most) > 1000))
      throw new AwsFault("ValidationError", "MaxRecords is a number from 1 to 1000");
    const { items, next } = page(inRegion(call), form.get("NextToken"));
    return {
      Environments: items.map((one) => ({
        ApplicationName: one.application,
        EnvironmentName: one.name,
        EnvironmentId: `e-${one.name}`,
        EnvironmentArn: environmentArn(account, one.application, one.name),
        CNAME: one.cname,
        EndpointURL: one.endpoint,
        VersionLabel: one.version,
        SolutionStackName: one.platform,
        PlatformArn: `arn:aws:elasticbeanstalk:${account.region}::platform/${one.name}`,
        Status: "Ready",
        Tier: { Name: one.tier, Type: one.tier === "Worker" ? "SQS/HTTP" : "Standard" },
      })),
      NextToken: next,
    };
  },
  "elasticbeanstalk:DescribeConfigurationSettings": (call) => {
    const { form } = call;
    if (!form.has("ApplicationName") || !form.has("EnvironmentName"))
      throw new AwsFault(
        "MissingParameter",
        "ApplicationName and EnvironmentName or TemplateName are required",
      );
    const environment = environmentOf(call);
    if (environment.application !== form.get("ApplicationName"))
      throw new AwsFault("InvalidParameterValue", "No Application named so has this environment.");
    return {
      ConfigurationSettings: [
        {
          ApplicationName: environment.application,
          EnvironmentName: environment.name,
          OptionSettings: allOptions(environment).map(({ name, namespace, value }): Xml => ({
            Namespace: namespace,
            OptionName: name,
            Value: value,
          })),
        },
      ],
    };
  },
  "elasticbeanstalk:DescribePlatformVersion": ({ form }) => {
    if (!form.has("PlatformArn")) throw new AwsFault("MissingParameter", "PlatformArn is required");
    return {
      PlatformDescription: { CustomAmiList: [{ VirtualizationType: "hvm", ImageId: PLATFORM_IMAGE }] },
    };
  },
  "elasticbeanstalk:DescribeEnvironmentResources": (call) => {
    const { queueUrl } = environmentOf(call);
    return {
      EnvironmentResources: {
        Queues:
          queueUrl === undefined
            ? []
            : [
                { Name: "WorkerDeadLetterQueue", URL: `${queueUrl}-dead` },
                { Name: "WorkerQueue", URL: queueUrl },
              ],
      },
    };
  },
  "elasticbeanstalk:ListTagsForResource": (call) => {
    const { account, form } = call;
    const found = inRegion(call).find(
      ({ application, name }) => environmentArn(account, application, name) === form.get("ResourceArn"),
    );
    if (found === undefined) throw new AwsFault("ResourceNotFoundException", "Resource not found.");
    return { ResourceTags: Object.entries(found.tags).map(([Key, Value]) => ({ Key, Value })) };
  },
  "elasticbeanstalk:ListAvailableSolutionStacks": ({ account }) => ({
    SolutionStacks: account.solutionStacks,
  }),
  "elasticbeanstalk:ListPlatformBranches": ({ form }) => {
    const [branch = ""] = listOf(form, "Filters.member.1.Values");
    const known = PLATFORM_BRANCHES[branch];
    return {
      PlatformBranchSummaryList:
        known === undefined
          ? []
          : [{ BranchName: branch, LifecycleState: known.retires === undefined ? "Supported" : "Retired" }],
    };
  },

  "rds:DescribeDBInstances": ({ account, form }) => {
    const { items, next } = page(account.databases, form.get("Marker"));
    return {
      DBInstances: items.map(({ host, replicas, ...own }) => ({
        ...own,
        Engine: "postgres",
        Endpoint: { Address: host, Port: 5432 },
        ReadReplicaDBInstanceIdentifiers: replicas,
      })),
      Marker: next,
    };
  },

  "rds:CreateDBSnapshot": ({ account, form, region }) => {
    const database = account.databases.find(
      (one) => one.DBInstanceIdentifier === form.get("DBInstanceIdentifier"),
    );
    if (database === undefined || region !== account.region)
      throw new AwsFault("DBInstanceNotFound", "The DB instance does not exist.", 404);
    return addSnapshot(account, form.get("DBSnapshotIdentifier") ?? "", {
      region,
      isEncrypted: database.StorageEncrypted,
      database,
    });
  },
  "rds:CopyDBSnapshot": ({ account, form, region }) => {
    const source = form.get("SourceDBSnapshotIdentifier") ?? "";
    const found = account.snapshots.get(source.split(":").at(-1) ?? "");
    const isElsewhere = found?.region !== region;
    // RDS finds a snapshot of another region by its ARN, and checks the request in that region.
    if (found === undefined || (isElsewhere && !source.startsWith(`arn:aws:rds:${found.region}:`)))
      throw new AwsFault("DBSnapshotNotFound", `${source} not found.`, 404);
    if (isElsewhere && !form.has("PreSignedUrl"))
      throw new AwsFault("InvalidParameterCombination", "PreSignedUrl is required for cross-region copies.");
    if (found.looks > 0) throw new AwsFault("InvalidDBSnapshotState", "The snapshot is not available.");
    const key = form.get("KmsKeyId");
    if (isElsewhere && found.isEncrypted && key === null)
      throw new AwsFault("KMSKeyNotAccessibleFault", "A key of the destination region is required.");
    return addSnapshot(account, form.get("TargetDBSnapshotIdentifier") ?? "", {
      region,
      isEncrypted: found.isEncrypted || key !== null,
      database: found.database,
    });
  },
  "rds:DescribeDBSnapshots": ({ account, form, region }) => {
    const identifier = form.get("DBSnapshotIdentifier") ?? "";
    const found = account.snapshots.get(identifier);
    if (found?.region !== region)
      throw new AwsFault("DBSnapshotNotFound", `DBSnapshot ${identifier} not found.`, 404);
    found.looks = Math.max(0, found.looks - 1);
    const { AllocatedStorage, EngineVersion, MasterUsername } = found.database;
    return {
      DBSnapshots: [
        {
          DBSnapshotIdentifier: identifier,
          DBInstanceIdentifier: found.database.DBInstanceIdentifier,
          // RDS shows no time of a snapshot that it is still creating.
          ...(found.looks === 0 && {
            SnapshotCreateTime: new Date("2026-11-25T12:00:00Z"),
            OriginalSnapshotCreateTime: found.takenAt ?? new Date("2026-11-25T12:00:00Z"),
          }),
          DBSnapshotArn: `arn:aws:rds:${region}:${account.id}:snapshot:${identifier}`,
          Status: found.looks === 0 ? "available" : "creating",
          PercentProgress: found.looks === 0 ? 100 : 10,
          Encrypted: found.isEncrypted,
          AllocatedStorage,
          EngineVersion,
          MasterUsername,
        },
      ],
    };
  },

  "sqs:GetQueueAttributes": ({ account, json }) => {
    const attributes = account.queues.get(String(json["QueueUrl"]));
    if (attributes === undefined) {
      throw new AwsFault("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.");
    }
    return { Attributes: attributes };
  },

  "ec2:DescribeAvailabilityZones": ({ account, form }) => {
    if (form.get("Filter.1.Name") !== "zone-type")
      throw new AwsFault("InvalidParameterValue", "The double knows availability zones only.");
    return {
      availabilityZoneInfo: account.zoneLetters.map((letter) => ({ zoneName: account.region + letter })),
    };
  },
  "ec2:DescribeVpcs": ({ account, form }) => {
    const id = form.get("VpcId.1");
    const found = account.vpcs.filter((vpc) => (id === null ? vpc.isDefault : vpc.id === id));
    if (id !== null && found.length === 0)
      throw new AwsFault("InvalidVpcID.NotFound", `The vpc ID '${id}' does not exist`);
    return {
      vpcSet: found.map(({ cidr, id: vpcId, isDefault }) => ({ vpcId, cidrBlock: cidr, isDefault })),
    };
  },

  "ssm:GetParameter": ({ account, json, region }) => {
    const asked = String(json["Name"]);
    // SSM takes ARNs of its own region, and of other accounts only those of parameters that are shared.
    const path = asked.split(`arn:aws:ssm:${region}:${account.id}:parameter/`)[1];
    const Name = path === undefined ? asked : path.includes("/") ? `/${path}` : path;
    const Value = account.parameters.get(Name);
    if (Value === undefined) throw new AwsFault("ParameterNotFound", "");
    return {
      Parameter: {
        Name,
        Type: "SecureString",
        Value: json["WithDecryption"] === true ? Value : "AQICAHencrypted",
      },
    };
  },
  "ssm:PutParameter": ({ account, json }) => {
    const name = String(json["Name"]);
    const value = String(json["Value"]);
    const overwrites = json["Overwrite"] === true;
    const bytes = Buffer.byteLength(value);
    if (
      bytes === 0 ||
      bytes > 4096 ||
      json["Type"] !== "SecureString" ||
      (overwrites && json["Tags"] !== undefined)
    )
      // AWS repeats the value in this message.
      throw new AwsFault("ValidationException", `Value '${value}' failed to satisfy constraint`);
    if (account.parameters.has(name) && !overwrites)
      throw new AwsFault("ParameterAlreadyExists", "The parameter already exists.");
    account.parameters.set(name, value);
    return { Version: 1, Tier: "Standard" };
  },
  "ssm:DescribeParameters": ({ account, json }) => {
    const [filter] = json["ParameterFilters"] as { Key: string; Option: string; Values: string[] }[];
    if (filter?.Key !== "Path" || filter.Option !== "OneLevel" || filter.Values[0]?.endsWith("/") !== false)
      throw new AwsFault("InvalidFilterKey", "");
    const path = `${filter.Values[0]}/`;
    const found = [...account.parameters.keys()].filter(
      (one) => one.startsWith(path) && !one.slice(path.length).includes("/"),
    );
    const { items, next } = page(found, (json["NextToken"] as string | undefined) ?? null);
    return { Parameters: items.map((Name) => ({ Name })), NextToken: next };
  },

  "acm:DescribeCertificate": ({ account, json }) => {
    const found = account.certificates.find(({ arn }) => arn === json["CertificateArn"]);
    if (found === undefined)
      throw new AwsFault("ResourceNotFoundException", "Could not find the certificate.");
    return { Certificate: { CertificateArn: found.arn, DomainName: found.host, Type: found.type } };
  },
};
