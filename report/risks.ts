import { PreviewResource, PropertyValue, SECRET, UNKNOWN } from "../graph/document";
import { Difference } from "./differences";
import { isCovered, isInternet, NetworkRule } from "./networkRules";
import { openings, Statement, statementsOf } from "./policyStatements";
import { asList, canonical, isAbsent, isObject, own, textsOf } from "./values";

export type ChangeKind = "added" | "changed" | "replaced" | "deleted";

/** One thing that a reviewer should look at before anything else. */
export interface Risk {
  /** What is at risk: data or the service itself, who can get at it, or what protects it. */
  kind: "state" | "access" | "protection";
  /** True for the worst of its kind, such as access for the whole internet. */
  loud: boolean;
  /** One sentence: what happens, and why it matters. */
  message: string;
}

/** One change, as far as its risks need it. */
export interface Subject {
  kind: ChangeKind;
  /** As it was, with ids in the terms of the preview. */
  before?: PreviewResource;
  /** As it will be, without the changes that are ignored. */
  after?: PreviewResource;
  /** Against nothing where it is added or deleted. */
  differences: Difference[];
  /** Paths of what was secret and is not any more. */
  disclosed: string[];
}

/** All resources before and after, among which a change is judged. */
export interface World {
  before: ReadonlyMap<string, PreviewResource>;
  after: ReadonlyMap<string, PreviewResource>;
  rulesBefore: ReadonlyMap<string, NetworkRule[]>;
  rulesAfter: ReadonlyMap<string, NetworkRule[]>;
  kindOf(urn: string): ChangeKind | undefined;
}

/**
 * What is risky about a change. In doubt a change is called risky; one that only tightens is not.
 */
export function risksOf(subject: Subject, world: World): Risk[] {
  return RULES.flatMap((rule) => rule(subject, world));
}

type Rule = (subject: Subject, world: World) => Risk[];

const RULES: Rule[] = [
  lostState,
  strandedSubnetGroup,
  disclosedSecrets,
  lostSafeguard,
  openedBucket,
  openedNetwork,
  openedRoute,
  openedPolicies,
  newRights,
  plainListener,
  looseProperties,
  looseOptions,
  weakProperties,
  weakOptions,
  droppedOptions,
];

const BUCKET = "aws:s3/bucket:Bucket";
const DATABASE = "aws:rds/instance:Instance";
const RECORD = "aws:route53/record:Record";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const ACCESS_BLOCK = /^aws:s3\/(bucket|account)PublicAccessBlock:/;

// State

/** What is lost with a resource of these types. */
const STATEFUL: Record<string, string> = {
  [DATABASE]: "its data is gone but for snapshots, and a new one starts empty",
  "aws:rds/cluster:Cluster": "its data is gone but for snapshots, and a new one starts empty",
  [BUCKET]: "the objects in it are gone",
  "aws:elasticache/replicationGroup:ReplicationGroup":
    "what it holds is gone, and its clients lose their connections",
  "aws:elasticache/cluster:Cluster": "what it holds is gone, and its clients lose their connections",
  "aws:sqs/queue:Queue": "the messages that wait in it are gone",
  "aws:kms/key:Key": "nothing that was encrypted with it can be read again",
  "aws:ssm/parameter:Parameter":
    "what reads it fails until it is there again, and its earlier values are gone",
  "aws:secretsmanager/secret:Secret": "what reads it fails, and its value is gone",
  "aws:sns/topic:Topic": "all who subscribed must confirm again, and hear nothing until then",
  "aws:dynamodb/table:Table": "its data is gone",
  "aws:efs/fileSystem:FileSystem": "its files are gone",
  "aws:ebs/volume:Volume": "its data is gone",
  "aws:cloudwatch/logGroup:LogGroup": "the logs in it are gone",
  "aws:route53/zone:Zone": "its names stop resolving, and a new one has other name servers",
  "aws:cloudfront/distribution:Distribution":
    "it is unreachable meanwhile, and a new one has another address",
  "aws:ec2/eip:Eip": "the address is given up, and others may have it on their lists of allowed addresses",
  [ENVIRONMENT]: "it is down until the new one runs, which has another address",
  "aws:elasticbeanstalk/application:Application": "its environments and versions go with it",
};

function lostState({ kind, before, differences }: Subject): Risk[] {
  if (before?.type === RECORD) {
    if (kind !== "deleted" && !(kind === "replaced" && hasOwn(differences, "name", "zoneId", "type")))
      return [];
    return risk(
      "state",
      `${label(before)} goes away: ${shown(own(before.inputs, "name"))} is not answered by it any more`,
    );
  }
  const loss = before && own(STATEFUL, before.type);
  if (before === undefined || loss === undefined || (kind !== "deleted" && kind !== "replaced")) return [];
  if (before.retainOnDelete) {
    const deed = kind === "replaced" ? "is replaced by an empty one" : "leaves the stack";
    return risk(
      "state",
      `${label(before)} ${deed}; the old one stays in AWS with what it holds, and nothing looks after it any more` +
        brakes({ ...before, inputs: {}, type: "" }),
    );
  }
  const deed = kind === "replaced" ? "is replaced" : "is deleted";
  return risk("state", `${label(before)} ${deed}: ${loss}${brakes(before)}`, true);
}

/** What holds a deletion up. */
function brakes({ type, inputs, protect }: PreviewResource): string {
  const brake = [
    protect ? "Pulumi refuses while it is protected" : "",
    own(inputs, "deletionProtection") === true ? "AWS refuses while deletionProtection is on" : "",
    type === DATABASE && own(inputs, "skipFinalSnapshot") === true ? "no final snapshot is made" : "",
    type === BUCKET && own(inputs, "forceDestroy") !== true ? "AWS refuses while there are objects" : "",
  ].filter((text) => text !== "");
  return brake.length === 0 ? "" : `; ${brake.join("; ")}`;
}

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html */
function strandedSubnetGroup({ kind, before, differences }: Subject): Risk[] {
  if (kind !== "changed" || !/:SubnetGroup$/.test(before?.type ?? "")) return [];
  const follows = differences.some(
    ({ property, follows }) => property === "subnetIds" && follows !== undefined,
  );
  return follows && before
    ? risk(
        "state",
        `${label(before)} is to move into subnets of another network, which AWS refuses while something runs in it: the update stops half done`,
      )
    : [];
}

/** Deleting these changes how safe something else is. */
const SAFEGUARDS: Record<string, [Risk["kind"], string]> = {
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": [
    "access",
    "nothing keeps its bucket's objects from being made public",
  ],
  "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": [
    "access",
    "nothing keeps the account's buckets from being made public",
  ],
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": [
    "access",
    "access control lists may apply again",
  ],
  "aws:wafv2/webAclAssociation:WebAclAssociation": ["access", "requests are not filtered any more"],
  "aws:s3/bucketVersioning:BucketVersioning": [
    "protection",
    "what is overwritten or deleted cannot be brought back",
  ],
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": [
    "protection",
    "new objects are encrypted only as AWS does by default",
  ],
  "aws:s3/bucketLogging:BucketLogging": ["protection", "nobody can tell later who did what"],
  "aws:ec2/flowLog:FlowLog": ["protection", "nobody can tell later who talked to whom"],
  "aws:cloudtrail/trail:Trail": ["protection", "nobody can tell later who did what"],
  "aws:cloudwatch/metricAlarm:MetricAlarm": ["protection", "nobody is told when it happens"],
  "aws:sns/topicSubscription:TopicSubscription": ["protection", "its endpoint is not told any more"],
  "aws:backup/plan:Plan": ["protection", "no backups are made"],
  "aws:backup/selection:Selection": ["protection", "no backups are made"],
};

function lostSafeguard(subject: Subject, world: World): Risk[] {
  const { kind, before } = subject;
  const safeguard = before && own(SAFEGUARDS, before.type);
  if (before === undefined || kind !== "deleted" || !safeguard || goesWithItsOwner(before, world)) return [];
  const [at, why] = safeguard;
  return risk(at, `${label(before)} is deleted: ${why}`);
}

/** Whether a deleted resource is left as it is, or what it belongs to goes as well. */
function goesWithItsOwner(before: PreviewResource, world: World): boolean {
  if (before.retainOnDelete) return true;
  const owners = [before.parent, ...Object.values(before.propertyDependencies).flat()];
  return owners.some((urn) => {
    const owner = world.before.get(urn);
    return owner?.custom === true && !owner.retainOnDelete && world.kindOf(urn) === "deleted";
  });
}

// Access

function disclosedSecrets({ after, disclosed }: Subject): Risk[] {
  return disclosed.flatMap((path) =>
    after === undefined
      ? []
      : risk(
          "access",
          `${label(after)} has ${path} in plain text, which was a secret: state, logs and previews will show it`,
          true,
        ),
  );
}

const ACCESS_FLAGS = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
function openedBucket({ before, after }: Subject): Risk[] {
  if (after === undefined || !ACCESS_BLOCK.test(after.type)) return [];
  const open = ACCESS_FLAGS.filter(
    (flag) => !isTrue(own(after.inputs, flag)) && (before === undefined || isTrue(own(before.inputs, flag))),
  );
  if (open.length === 0) return [];
  return risk(
    "access",
    `${label(after)} has ${open.join(", ")} off: ` +
      "a policy or an access control list can make the objects public",
    true,
  );
}

function openedNetwork({ after }: Subject, world: World): Risk[] {
  if (after === undefined) return [];
  const earlier = [...world.rulesBefore.values()].flat();
  return (world.rulesAfter.get(after.urn) ?? [])
    .filter((rule) => !earlier.some((other) => isCovered(rule, other)))
    .flatMap((rule) =>
      risk(
        "access",
        `${label(after)} lets ${reach(rule, world)}, which was not possible before`,
        isInternet(rule.peer) && rule.direction === "in",
      ),
    );
}

function reach({ group, direction, protocol, fromPort, toPort, peer }: NetworkRule, world: World): string {
  const groupName = (urn: string) => world.after.get(urn)?.name;
  const members = `members of ${groupName(group) ?? group}`;
  const who = isInternet(peer) ? `anyone on the internet (${peer})` : (groupName(peer) ?? peer);
  const all = protocol === "-1";
  const ports = fromPort === toPort ? `port ${fromPort}` : `ports ${fromPort} to ${toPort}`;
  const where = all ? "all ports" : `${protocol} ${ports}`;
  return direction === "in"
    ? `${who} reach ${members} on ${where}`
    : `${members} reach ${isInternet(peer) ? `any address (${peer})` : who} on ${where}`;
}

const ROUTE = "aws:ec2/route:Route";
const ROUTE_TABLE_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation";

/** A subnet is public where its routes lead to an internet gateway. */
function openedRoute({ before, after }: Subject, world: World): Risk[] {
  if (after?.type === ROUTE) {
    const leads = (route: PreviewResource | undefined) =>
      route !== undefined && !isAbsent(own(route.inputs, "gatewayId"));
    if (!leads(after) || leads(before)) return [];
    return risk(
      "access",
      `${label(after)} leads to an internet gateway: the subnets of its table become public`,
    );
  }
  if (after?.type !== ROUTE_TABLE_ASSOCIATION) return [];
  const isPublic = (association: PreviewResource | undefined, all: ReadonlyMap<string, PreviewResource>) => {
    const table = association && own(association.inputs, "routeTableId");
    return [...all.values()].some(
      ({ type, inputs }) =>
        type === ROUTE && !isAbsent(own(inputs, "gatewayId")) && own(inputs, "routeTableId") === table,
    );
  };
  if (!isPublic(after, world.after) || isPublic(before, world.before)) return [];
  return risk("access", `${label(after)} makes its subnet public: its table leads to an internet gateway`);
}

/** Judges every policy document of a resource: of buckets, queues, topics, keys, roles and what is attached to them. */
function openedPolicies({ kind, before, after }: Subject, world: World): Risk[] {
  if (kind === "deleted" && before && goesWithItsOwner(before, world)) return [];
  const resource = after ?? before;
  if (resource === undefined) return [];
  const [old, now] = [documentsOf(before), documentsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    if (is === undefined && after !== undefined) {
      const value = own(after.inputs, path);
      if (!isAbsent(value)) {
        return risk(
          "access",
          `${label(after)} has a ${path} that cannot be read before it is made: look at it then`,
        );
      }
      if (after.type === "aws:ec2/vpcEndpoint:VpcEndpoint") {
        return risk("access", `${label(after)} has no policy any more: everything goes through it`);
      }
    }
    return openings(was ?? [], is ?? []).flatMap(({ message, loud }) =>
      risk("access", `${label(resource)} ${message}`, loud),
    );
  });
}

/** The policy documents among the inputs, by where they are. */
function documentsOf(resource: PreviewResource | undefined): Map<string, Statement[]> {
  const documents = new Map<string, Statement[]>();
  const visit = (value: PropertyValue, path: string): void => {
    const statements = statementsOf(value);
    if (statements !== undefined) documents.set(path, statements);
    else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
    }
  };
  for (const [property, value] of Object.entries(resource?.inputs ?? {})) visit(value, property);
  return documents;
}

const ATTACHMENT = /^aws:iam\/(role|user|group)?[pP]olicyAttachment:/;

function newRights({ kind, before, after, differences }: Subject): Risk[] {
  if (after === undefined) return [];
  const administrator = (policy: PropertyValue | undefined) =>
    typeof policy === "string" && /\/(AdministratorAccess|PowerUserAccess|IAMFullAccess)$/.test(policy);
  const risks: Risk[] = [];
  if (ATTACHMENT.test(after.type) && (before === undefined || hasOwn(differences, "policyArn", "role"))) {
    const policy = own(after.inputs, "policyArn");
    const role = own(after.inputs, "role");
    risks.push(
      ...risk(
        "access",
        `${label(after)} gives ${shown(role)} the rights of ${shown(policy)}`,
        administrator(policy),
      ),
    );
  }
  const added = asList(own(after.inputs, "managedPolicyArns")).filter(
    (policy) => before === undefined || !asList(own(before.inputs, "managedPolicyArns")).includes(policy),
  );
  for (const policy of added) {
    risks.push(
      ...risk("access", `${label(after)} gets the rights of ${shown(policy)}`, administrator(policy)),
    );
  }
  if (kind !== "added" && hasOwn(differences, "permissionsBoundary")) {
    risks.push(
      ...risk("access", `${label(after)} has another permissions boundary or none: its rights may grow`),
    );
  }
  if (
    after.type === "aws:iam/instanceProfile:InstanceProfile" &&
    kind !== "added" &&
    hasOwn(differences, "role")
  ) {
    risks.push(...risk("access", `${label(after)} gives instances the rights of another role`));
  }
  if (after.type === "aws:iam/openIdConnectProvider:OpenIdConnectProvider") {
    risks.push(
      ...risk("access", `${label(after)} decides whose identities the account trusts: look at what changes`),
    );
  }
  if (after.type === "aws:ec2/vpcPeeringConnection:VpcPeeringConnection" && kind === "added") {
    risks.push(...risk("access", `${label(after)} joins the network with another one`));
  }
  return risks;
}

function plainListener({ kind, after, before }: Subject): Risk[] {
  if (after?.type !== "aws:lb/listener:Listener") return [];
  const isPlain = ({ inputs }: PreviewResource) =>
    ["HTTP", "TCP"].includes(shown(own(inputs, "protocol") ?? "HTTP")) &&
    asList(own(inputs, "defaultActions")).some(
      (action) => isObject(action) && own(action, "type") !== "redirect",
    );
  if (!isPlain(after) || (kind !== "added" && before && isPlain(before))) return [];
  return risk(
    "access",
    `${label(after)} answers without TLS: what passes can be read and changed on the way`,
    true,
  );
}

/** How one property can become less safe. */
interface PropertyRule {
  path: RegExp;
  /** Only of types that this matches. */
  type?: RegExp;
  /** True where also a new resource is to be looked at. */
  whenAdded?: boolean;
  loud?: boolean;
  loosens: (before: PropertyValue | undefined, after: PropertyValue | undefined) => boolean;
  why: string;
}

const turnsOn: PropertyRule["loosens"] = (before, after) => isTrue(after) && !isTrue(before);
const turnsOff: PropertyRule["loosens"] = (before, after) => isTrue(before) && !isTrue(after);
/** Where AWS has it on as long as nothing is said. */
const isTurnedOff: PropertyRule["loosens"] = (before, after) => !isFalse(before) && isFalse(after);
const isLowered: PropertyRule["loosens"] = (before, after) => Number(after ?? 0) < Number(before ?? 0);
const changes: PropertyRule["loosens"] = (before, after) => canonical(before) !== canonical(after);
const isLost: PropertyRule["loosens"] = (before, after) => !isAbsent(before) && isAbsent(after);
const grows: PropertyRule["loosens"] = (before, after) =>
  asList(after).some((item) => !asList(before).includes(item));

const LOOSE: PropertyRule[] = [
  {
    path: /(^|\.)publiclyAccessible$/,
    whenAdded: true,
    loud: true,
    loosens: turnsOn,
    why: "the internet can reach it, if its security groups let it",
  },
  {
    path: /(^|\.)(mapPublicIpOnLaunch|associatePublicIpAddress)$/,
    whenAdded: true,
    loosens: turnsOn,
    why: "instances get public addresses",
  },
  { path: /^internal$/, type: /^aws:lb\/loadBalancer:/, loosens: turnsOff, why: "the internet can reach it" },
  {
    path: /^acl$/,
    type: /^aws:s3\//,
    whenAdded: true,
    loud: true,
    loosens: (before, after) => before !== after && /^(public-|authenticated-read)/.test(shown(after)),
    why: "people outside of the account can read it",
  },
  {
    path: /(^|\.)objectOwnership$/,
    loosens: (before) => before === "BucketOwnerEnforced",
    why: "access control lists apply again",
  },
  {
    path: /(^|\.)allowedOrigins$/,
    loosens: (before, after) => asList(after).includes("*") && !asList(before).includes("*"),
    why: "pages of any site may read the answers",
  },
  {
    path: /(^|\.)httpTokens$/,
    loosens: (before) => before === "required",
    why: "version 1 of the metadata service gives the role's keys to whoever can make an instance fetch an address",
  },
  { path: /^transitEncryptionEnabled$/, loosens: turnsOff, why: "what passes can be read on the way" },
  {
    path: /^transitEncryptionMode$/,
    loosens: (before) => before === "required",
    why: "connections without TLS are accepted",
  },
  { path: /^authToken$/, loosens: isLost, why: "whoever reaches it needs no password" },
  {
    path: /(^|\.)viewerProtocolPolicy$/,
    loosens: (before, after) => before !== after && after === "allow-all",
    why: "what passes can be read and changed on the way",
  },
  {
    path: /(^|\.)originProtocolPolicy$/,
    loosens: (before) => before === "https-only",
    why: "what passes to the origin can be read on the way",
  },
  {
    path: /(^|\.)(originSslProtocols|sslProtocols)$/,
    loosens: grows,
    why: "older versions of TLS are accepted",
  },
  {
    path: /(^|\.)minimumProtocolVersion$/,
    loosens: (before, after) => tlsVersion(after) < tlsVersion(before),
    why: "older versions of TLS are accepted",
  },
  {
    path: /^sslPolicy$/,
    loosens: (before, after) => isWeakerTls(before, after),
    why: "weaker versions or ciphers of TLS may be accepted",
  },
  {
    path: /^protocol$/,
    type: /^aws:lb\/listener:/,
    loosens: (before) => before === "HTTPS" || before === "TLS",
    why: "it answers without TLS",
  },
  {
    path: /^defaultActions\b/,
    type: /^aws:lb\/listener:/,
    loosens: (before) => before === "redirect",
    why: "requests are not redirected to HTTPS any more",
  },
  {
    path: /^parameters\[rds\.force_ssl\]/,
    loosens: (before, after) => shown(before) === "1" && shown(after) !== "1",
    why: "connections without TLS are accepted",
  },
  {
    path: /^type$/,
    type: /^aws:ssm\/parameter:/,
    loud: true,
    loosens: (before) => before === "SecureString",
    why: "its value is stored in plain text",
  },
  {
    path: /^insecureValue$/,
    loud: true,
    loosens: (before) => isAbsent(before),
    why: "it is stored in plain text",
  },
  {
    path: /^(vpcSecurityGroupIds|securityGroupIds|securityGroups)$/,
    loosens: grows,
    why: "the rules of other security groups apply to it: look at who can reach it",
  },
  {
    path: /^(subnetIds|subnets|subnetId)$/,
    type: /^aws:(ec2\/instance|lb\/|rds\/|elasticache\/)/,
    loosens: grows,
    why: "it stands in other subnets: look at whether they are public",
  },
];

function looseProperties(subject: Subject): Risk[] {
  return judge(subject, LOOSE, "access");
}

/** Options of Beanstalk environments, by `namespace name`. */
const LOOSE_OPTIONS: PropertyRule[] = [
  {
    path: /^aws:autoscaling:launchconfiguration DisableIMDSv1$/,
    loosens: turnsOff,
    why: "version 1 of the metadata service gives the role's keys to whoever can make an instance fetch an address",
  },
  {
    path: /^aws:autoscaling:launchconfiguration EC2KeyName$/,
    whenAdded: true,
    loosens: (before, after) => !isAbsent(after) && after !== "" && after !== before,
    why: "whoever has the key can log in to the instances",
  },
  {
    path: /^aws:autoscaling:launchconfiguration SSHSourceRestriction$/,
    whenAdded: true,
    loosens: changes,
    why: "it decides who may connect to the instances by SSH",
  },
  {
    path: /^aws:autoscaling:launchconfiguration DisableDefaultEC2SecurityGroup$/,
    loosens: turnsOff,
    why: "the instances get a security group of Beanstalk's own, which opens ports",
  },
  {
    path: /^aws:autoscaling:launchconfiguration IamInstanceProfile$/,
    loosens: changes,
    why: "the instances have the rights of another role",
  },
  {
    path: /^aws:(autoscaling:launchconfiguration|elbv2:loadbalancer|elb:loadbalancer) (SecurityGroups|ManagedSecurityGroup)$/,
    loosens: (before, after) => grows(csv(before), csv(after)),
    why: "the rules of other security groups apply: look at who can reach it",
  },
  {
    path: /^aws:ec2:vpc (Subnets|ELBSubnets)$/,
    loosens: (before, after) => grows(csv(before), csv(after)),
    why: "it stands in other subnets: look at whether they are public",
  },
  {
    path: /^aws:ec2:vpc AssociatePublicIpAddress$/,
    whenAdded: true,
    loosens: turnsOn,
    why: "the instances get public addresses",
  },
  {
    path: /^aws:ec2:vpc ELBScheme$/,
    loosens: (before) => before === "internal",
    why: "the internet can reach the load balancer",
  },
  {
    path: /^aws:elb(v2)?:listener:\S+ (Protocol|ListenerProtocol)$/,
    whenAdded: true,
    loosens: (before, after) => before !== after && ["HTTP", "TCP"].includes(shown(after)),
    why: "the load balancer answers without TLS",
  },
  {
    path: /^aws:elb(v2)?:listener:(default|80) ListenerEnabled$/,
    whenAdded: true,
    loosens: turnsOn,
    why: "the load balancer answers without TLS",
  },
  {
    path: /^aws:elb(v2)?:listener:(?!default |80 )\S+ ListenerEnabled$/,
    loosens: isTurnedOff,
    why: "HTTPS is not answered any more",
  },
  {
    path: /^aws:elb(v2)?:listener:\S+ (SSLPolicy|SSLReferencePolicy)$/,
    loosens: (before, after) => isWeakerTls(before, after),
    why: "weaker versions or ciphers of TLS may be accepted",
  },
  {
    path: /^aws:elb(v2)?:listener:\S+ (SSLCertificateArns|SSLCertificateId)$/,
    loosens: isLost,
    why: "there is no certificate for HTTPS any more",
  },
  {
    path: /^aws:elasticbeanstalk:environment:process:\S+ Protocol$/,
    loosens: (before) => before === "HTTPS",
    why: "what passes between load balancer and instances can be read on the way",
  },
];

function looseOptions(subject: Subject): Risk[] {
  return judgeOptions(subject, LOOSE_OPTIONS, "access");
}

// Protection

const WEAK: PropertyRule[] = [
  {
    path: /^(deletionProtection|enableDeletionProtection|deletionProtectionEnabled)$/,
    loosens: turnsOff,
    why: "AWS deletes it when it is asked to",
  },
  { path: /^backupRetentionPeriod$/, loosens: isLowered, why: "it can be restored for fewer days" },
  { path: /^snapshotRetentionLimit$/, loosens: isLowered, why: "fewer snapshots are kept" },
  { path: /^skipFinalSnapshot$/, loosens: turnsOn, why: "a deletion leaves nothing behind" },
  {
    path: /^deleteAutomatedBackups$/,
    loosens: (before, after) => isFalse(before) && !isFalse(after),
    why: "the backups are deleted with it",
  },
  { path: /^(forceDestroy|forceDelete)$/, loosens: turnsOn, why: "a deletion takes all that is in it along" },
  {
    path: /^(storageEncrypted|encrypted|atRestEncryptionEnabled)$/,
    loosens: turnsOff,
    why: "the data lies on disk in plain text",
  },
  {
    path: /^sqsManagedSseEnabled$/,
    loosens: turnsOff,
    why: "messages lie on disk in plain text unless a key of KMS is used",
  },
  {
    path: /(^|\.)(kmsKeyId|kmsKeyArn|kmsMasterKeyId)$/,
    loosens: (before, after) => !isAbsent(before) && changes(before, after),
    why: "it is encrypted with another key: look at who can use that",
  },
  {
    path: /(^|\.)sseAlgorithm$/,
    loosens: (before) => /^aws:kms/.test(shown(before)),
    why: "its objects are encrypted without a key of your own",
  },
  { path: /(^|\.)enableKeyRotation$/, loosens: turnsOff, why: "the key stays the same for ever" },
  {
    path: /^versioningConfiguration(\.(status|mfaDelete))?$/,
    loosens: (before) => before === "Enabled",
    why: "what is overwritten or deleted cannot be brought back",
  },
  {
    path: /(^|\.)pointInTimeRecovery\.enabled$/,
    loosens: turnsOff,
    why: "it cannot be restored to a point in time",
  },
  { path: /^(multiAz|multiAzEnabled)$/, loosens: turnsOff, why: "it is down when its zone fails" },
  { path: /^automaticFailoverEnabled$/, loosens: turnsOff, why: "it is down when its node fails" },
  {
    path: /^(numCacheClusters|replicasPerNodeGroup)$/,
    loosens: isLowered,
    why: "fewer copies are left when a node fails",
  },
  { path: /^autoMinorVersionUpgrade$/, loosens: isTurnedOff, why: "it gets no security fixes by itself" },
  {
    path: /^retentionInDays$/,
    loosens: (before, after) => days(after) < days(before),
    why: "older logs are deleted",
  },
  { path: /^messageRetentionSeconds$/, loosens: isLowered, why: "messages that wait longer are lost" },
  {
    path: /^(recoveryWindowInDays|deletionWindowInDays)$/,
    loosens: isLowered,
    why: "a deletion is final sooner",
  },
  { path: /^redrivePolicy$/, loosens: isLost, why: "messages that cannot be handled are lost" },
  {
    path: /(^|\.)(noncurrentDays|expiration\.days)$/,
    loosens: (before, after) => !isAbsent(after) && Number(after) < Number(before ?? Infinity),
    why: "objects or their old versions are deleted sooner",
  },
  {
    path: /^enabledCloudwatchLogsExports$/,
    loosens: (before, after) => grows(after, before),
    why: "these logs are not kept any more",
  },
  {
    path: /^alarmActions$/,
    loosens: (before, after) => grows(after, before),
    why: "others, or nobody, is told",
  },
  { path: /^actionsEnabled$/, loosens: isTurnedOff, why: "nobody is told" },
  { path: /^(monitoringInterval)$/, loosens: isLowered, why: "less is known when something goes wrong" },
];

function weakProperties(subject: Subject): Risk[] {
  return judge(subject, WEAK, "protection");
}

const WEAK_OPTIONS: PropertyRule[] = [
  {
    path: /^aws:elasticbeanstalk:cloudwatch:logs(:health)? (StreamLogs|HealthStreamingEnabled)$/,
    loosens: turnsOff,
    why: "logs are lost with their instance",
  },
  {
    path: /^aws:elasticbeanstalk:cloudwatch:logs(:health)? DeleteOnTerminate$/,
    loosens: turnsOn,
    why: "logs are deleted with the environment",
  },
  {
    path: /^aws:elasticbeanstalk:cloudwatch:logs(:health)? RetentionInDays$/,
    loosens: (before, after) => days(after) < days(before),
    why: "older logs are deleted",
  },
  {
    path: /^aws:elbv2:loadbalancer AccessLogsS3Enabled$/,
    loosens: turnsOff,
    why: "nobody can tell later who asked for what",
  },
  {
    path: /^aws:elasticbeanstalk:managedactions ManagedActionsEnabled$/,
    loosens: turnsOff,
    why: "the platform gets no security fixes by itself",
  },
  {
    path: /^aws:elasticbeanstalk:healthreporting:system SystemType$/,
    loosens: (before) => before === "enhanced",
    why: "less is known when something goes wrong",
  },
];

function weakOptions(subject: Subject): Risk[] {
  return judgeOptions(subject, WEAK_OPTIONS, "protection");
}

/** Options of the Pulumi resource that keep it and its data. */
function droppedOptions({ before, after }: Subject): Risk[] {
  if (before === undefined || after === undefined) return [];
  return [
    ...(before.protect && !after.protect
      ? risk(
          "protection",
          `${label(after)} is not protected any more: Pulumi deletes it when the program leaves it out`,
        )
      : []),
    ...(before.retainOnDelete && !after.retainOnDelete
      ? risk(
          "protection",
          `${label(after)} is not kept any more: AWS deletes it when the program leaves it out`,
        )
      : []),
  ];
}

// How all of these judge

function judge(subject: Subject, rules: PropertyRule[], kind: Risk["kind"]): Risk[] {
  return judgeLeaves(subject, leavesOf(subject.differences), rules, kind, (path) => path);
}

/** Judges the option settings of a Beanstalk environment. */
function judgeOptions(subject: Subject, rules: PropertyRule[], kind: Risk["kind"]): Risk[] {
  if ((subject.after ?? subject.before)?.type !== ENVIRONMENT) return [];
  const options = leavesOf(subject.differences).flatMap((leaf) => {
    const option = /^settings\[(\S+ \S+?)(?: [^\]]*)?\]\.value$/.exec(leaf.path)?.[1];
    return option === undefined ? [] : [{ ...leaf, path: option }];
  });
  return judgeLeaves(subject, options, rules, kind, (path) => `the option ${path}`);
}

interface Leaf {
  path: string;
  before?: PropertyValue;
  after?: PropertyValue;
}

function judgeLeaves(
  { kind: change, after: resource }: Subject,
  leaves: Leaf[],
  rules: PropertyRule[],
  kind: Risk["kind"],
  call: (path: string) => string,
): Risk[] {
  if (resource === undefined) return [];
  return leaves.flatMap(({ path, before, after }) =>
    rules
      .filter(
        (rule) =>
          (change !== "added" || rule.whenAdded === true) &&
          rule.path.test(path) &&
          (rule.type?.test(resource.type) ?? true) &&
          rule.loosens(before, after),
      )
      .flatMap(({ why, loud }) =>
        risk(kind, `${label(resource)} has ${call(path)} ${transition(before, after)}: ${why}`, loud),
      ),
  );
}

/** Differences down to single values and lists of them; those that only follow a replacement are left out. */
function leavesOf(differences: Difference[]): Leaf[] {
  const split = (
    path: string,
    before: PropertyValue | undefined,
    after: PropertyValue | undefined,
  ): Leaf[] => {
    if (isObject(before) || isObject(after)) {
      const [old, now] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
      return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((key) =>
        split(`${path}.${key}`, own(old, key), own(now, key)),
      );
    }
    const items = [...asList(before), ...asList(after)];
    if (items.some(isObject)) {
      return items.flatMap((_, index) =>
        split(`${path}[${index}]`, asList(before)[index], asList(after)[index]),
      );
    }
    return isAbsent(before) && isAbsent(after) ? [] : [{ path, before, after }];
  };
  return differences
    .filter((difference) => difference.own)
    .flatMap(({ path, before, after }) => split(path, before, after));
}

function hasOwn(differences: Difference[], ...properties: string[]): boolean {
  return differences.some((difference) => difference.own && properties.includes(difference.property));
}

function risk(kind: Risk["kind"], message: string, loud = false): Risk[] {
  return [{ kind, loud, message: `${message}.` }];
}

function transition(before: PropertyValue | undefined, after: PropertyValue | undefined): string {
  if (isAbsent(before)) return `set to ${brief(after)}`;
  return isAbsent(after)
    ? `removed, which was ${brief(before)}`
    : `changed from ${brief(before)} to ${brief(after)}`;
}

const LONGEST = 80;

function brief(value: PropertyValue | undefined): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

function shown(value: PropertyValue | undefined): string {
  if (isAbsent(value)) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a type is called where its own last word says too little. */
const NAMES: Record<string, string> = {
  [DATABASE]: "Database instance",
  [ENVIRONMENT]: "Beanstalk environment",
  "aws:elasticbeanstalk/application:Application": "Beanstalk application",
  "aws:iam/policy:Policy": "IAM policy",
  "aws:iam/role:Role": "IAM role",
  "aws:ssm/parameter:Parameter": "SSM parameter",
  "aws:ec2/eip:Eip": "Elastic IP address",
};

/** Type and name, for people: `Bucket public access block media`. */
function label({ type, name }: PreviewResource): string {
  return `${own(NAMES, type) ?? words(type.split(":").at(-1) ?? type)} ${name}`;
}

/** `Bucket public access block` of `BucketPublicAccessBlock`. */
function words(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function isTrue(value: PropertyValue | undefined): boolean {
  return value === true || value === "true";
}

function isFalse(value: PropertyValue | undefined): boolean {
  return value === false || value === "false";
}

/** Retention of 0 days, or none at all, is for ever. */
function days(value: PropertyValue | undefined): number {
  return Number(value ?? 0) || Infinity;
}

function csv(value: PropertyValue | undefined): string[] {
  return typeof value === "string" ? value.split(",") : textsOf(value);
}

/** CloudFront's `TLSv1.2_2021` as a number that grows with its strength. */
function tlsVersion(value: PropertyValue | undefined): number {
  const [, minor = "0", year = "0"] = /^TLSv1(?:\.(\d))?(?:_(\d{4}))?$/.exec(shown(value)) ?? [];
  return /^TLS/.test(shown(value)) ? Number(minor) * 10_000 + Number(year) : -1;
}

/**
 * Whether a load balancer's policy may accept more than the earlier one. What cannot be told from the names is called
 * weaker.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
 */
function isWeakerTls(before: PropertyValue | undefined, after: PropertyValue | undefined): boolean {
  if (after === UNKNOWN || after === SECRET) return true;
  // The oldest version that is accepted: 2 in ELBSecurityPolicy-TLS13-1-2-2021-06, none named where it is 1.0.
  const oldest = (value: PropertyValue | undefined) =>
    Number(/^ELBSecurityPolicy-(?:TLS13|TLS|FS)-1-(\d)-/.exec(shown(value))?.[1] ?? 0);
  const restricted = /-Res-/.test(shown(after)) && !/-Res-/.test(shown(before));
  return oldest(after) < oldest(before) || (oldest(after) === oldest(before) && !restricted);
}
