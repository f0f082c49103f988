import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  array,
  Context,
  demand,
  groupBy,
  isUnknown,
  notEvaluated,
  object,
  Resource,
  Rule,
  rulesOf,
  SECRET,
  text,
  UNKNOWN,
} from "../rule";
import { ownAccounts } from "./storage";

export const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const VARIABLES = "aws:elasticbeanstalk:application:environment";

interface Option {
  type: string;
  values?: string[];
  pattern?: string;
  /** Of a duration, as ISO 8601 has it. */
  min?: number | string;
  max?: number | string;
}

interface Namespace {
  options?: Record<string, Option>;
  freeForm?: boolean;
  tier?: string;
}

const catalog = (
  JSON.parse(readFileSync(join(__dirname, "..", "facts", "eb-options.json"), "utf8")) as {
    namespaces: Record<string, Namespace>;
  }
).namespaces;
const contract = JSON.parse(readFileSync(join(__dirname, "..", "facts", "env-contract.json"), "utf8")) as {
  variables: { name: string; secret: boolean }[];
  mustSetOnElasticBeanstalk: { both: string[]; webRecommended: string[] };
  necessaryOnAws: string[];
  mustNotBeSet: string[];
};

interface Setting {
  namespace: string;
  name: string;
  /** What the option is about, where a namespace is for several, such as scheduled actions. */
  resource: string;
  value: unknown;
}

const settingsOf = ({ inputs }: Resource): Setting[] =>
  array(inputs.settings).map((one) => ({
    namespace: text(object(one).namespace),
    name: text(object(one).name),
    resource: text(object(one).resource),
    value: object(one).value,
  }));
const option = (environment: Resource, namespace: string, name: string): unknown =>
  isUnknown(environment.inputs.settings)
    ? UNKNOWN
    : settingsOf(environment).find((one) => one.namespace === `aws:${namespace}` && one.name === name)?.value;
const roleOf = ({ inputs }: Resource) => text(object(inputs.tags).role);
/** The engine shows of what exists already its outputs also, platformArn among them. */
const platformOf = ({ inputs }: Resource) => inputs.solutionStackName ?? inputs.platformArn;
const isWeb = ({ inputs }: Resource) => inputs.tier !== "Worker";

const rule = rulesOf({ area: "beanstalk", types: [ENVIRONMENT] });

const must =
  (
    namespace: string,
    name: string,
    holds: (value: string) => boolean,
    instead: string,
    when: (environment: Resource) => boolean = () => true,
  ): Rule["check"] =>
  (environment) => {
    if (!when(environment)) return [];
    const value = option(environment, namespace, name);
    return demand(value, holds(text(value)), `option ${namespace}/${name}`, instead);
  };

const catalogNamespace = (namespace: string): Namespace | undefined =>
  catalog[namespace] ??
  catalog[namespace.replace(/:(listener|listenerrule|process|policies):[^:]+$/, ":$1:*")];

/** Seconds of an ISO 8601 duration of hours, minutes and seconds. */
function seconds(duration: string): number {
  const [, hours = 0, minutes = 0, rest = 0] = /^PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$/.exec(
    duration,
  ) ?? [NaN, NaN];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
}

/** What an option takes, in words, and whether a value is that; undefined where it takes any text. */
function taken(facts: Option): { words: string; holds: (value: string) => boolean } | undefined {
  const { type, values = [], pattern, min = "any", max = "any" } = facts;
  const range = `from ${String(min)} to ${String(max)}`;
  const between = (value: number, bound: (limit: number | string) => number) =>
    !(value < bound(min)) && !(value > bound(max)) && !Number.isNaN(value);
  if (type === "boolean") return { words: "true or false", holds: (value) => /^(true|false)$/i.test(value) };
  if (type === "integer")
    return {
      words: `a whole number ${range}`,
      holds: (value) => /^-?\d+$/.test(value) && between(Number(value), Number),
    };
  if (type === "number")
    return {
      words: `a number ${range}`,
      holds: (value) => /^-?\d+(\.\d+)?$/.test(value) && between(Number(value), Number),
    };
  if (type === "duration")
    return {
      words: `a duration ${range}`,
      holds: (value) => between(seconds(value), (limit) => seconds(String(limit))),
    };
  if (pattern !== undefined)
    return { words: `text that matches ${pattern}`, holds: (value) => new RegExp(pattern).test(value) };
  if (values.length > 0)
    return {
      words: `one of ${values.join(", ")}`,
      holds: (value) =>
        (type === "list" ? value.split(",") : [value]).every((one) => values.includes(one.trim())),
    };
  return undefined;
}

function optionProblems(environment: Resource, { namespace, name, value }: Setting): string[] {
  const id = `${namespace}/${name}`;
  const known = catalogNamespace(namespace);
  if (known === undefined)
    return [`Namespace ${namespace} does not exist. Write one of Beanstalk's namespaces.`];
  if (known.tier !== undefined && (known.tier === "Worker") === isWeb(environment))
    return [`Option ${id} does not apply to this tier. Remove it.`];
  if (namespace.startsWith("aws:elb:"))
    return [`Option ${id} is for Classic Load Balancers. Write the one of aws:elbv2.`];
  if (known.freeForm === true || known.options === undefined) return [];
  const facts = known.options[name];
  if (facts === undefined)
    return [`Option ${id} does not exist. Write one of ${Object.keys(known.options).join(", ")}.`];
  const wanted = taken(facts);
  if (wanted === undefined || text(value) === "") return [];
  return demand(value, wanted.holds(text(value)), `Option ${id}`, wanted.words);
}

export const beanstalkOptions = rule(
  "beanstalk-options",
  "Every option is one that Beanstalk knows, with a value it takes, for a tier it applies to, once",
  "the update would fail half-way, or the option be ignored",
  (environment) => {
    if (isUnknown(environment.inputs.settings)) return notEvaluated("settings");
    const settings = settingsOf(environment);
    const times = groupBy(settings, ({ namespace, name, resource }) =>
      `${namespace}/${name} ${resource}`.trim(),
    );
    const least = option(environment, "autoscaling:asg", "MinSize") ?? 1;
    const most = option(environment, "autoscaling:asg", "MaxSize") ?? 4;
    return [
      ...settings.flatMap((setting) => optionProblems(environment, setting)),
      ...[...times]
        .filter(([, all]) => all.length > 1)
        .map(([id]) => `Option ${id} is set ${String(times.get(id)?.length)} times. Write it once.`),
      ...(Number(least) > Number(most)
        ? [`MinSize ${text(least)} is greater than MaxSize ${text(most)}. Write MinSize <= MaxSize.`]
        : []),
    ];
  },
);

export const noSavedTemplate = rule(
  "no-saved-template",
  "No saved configuration is the base of an environment",
  "its options are kept in AWS, where no rule judges them",
  ({ inputs }) =>
    inputs.templateName === undefined
      ? []
      : ["templateName is set. Remove it and write the options as settings."],
);

export const applicationLoadBalancer = rule(
  "application-load-balancer",
  "Instances are behind a load balancer: web's is an Application Load Balancer of its own",
  "a single instance has a public address, and other kinds ignore the listeners that are judged here",
  (environment, context) => [
    ...demand(
      environment.inputs.tier,
      ["WebServer", "Worker"].includes(text(environment.inputs.tier)),
      "tier",
      "WebServer or Worker",
    ),
    ...must(
      "elasticbeanstalk:environment",
      "EnvironmentType",
      (value) => value === "LoadBalanced",
      "LoadBalanced",
    )(environment, context),
    ...must(
      "elasticbeanstalk:environment",
      "LoadBalancerType",
      (value) => value === "application",
      "application",
      isWeb,
    )(environment, context),
    ...must(
      "elasticbeanstalk:environment",
      "LoadBalancerIsShared",
      (value) => value === "" || value === "false",
      "false",
    )(environment, context),
  ],
  { severity: "critical" },
);

export const noDefaultGroup = rule(
  "no-default-group",
  "Instances are in security groups of this program only",
  "Beanstalk's default group lets in what no rule here judges",
  must(
    "autoscaling:launchconfiguration",
    "DisableDefaultEC2SecurityGroup",
    (value) => value === "true",
    "true",
  ),
);

export const instanceProfileOwn = rule(
  "instance-profile-own",
  "Instances have the profile that this program made for their role, and Beanstalk a role of this program",
  "with another profile they could do what no rule here judges",
  (environment, context) => {
    const profile = option(environment, "autoscaling:launchconfiguration", "IamInstanceProfile");
    const service = option(environment, "elasticbeanstalk:environment", "ServiceRole");
    const named = (type: string, name: unknown) =>
      context
        .once(`${type} by name`, () => groupBy(context.ofType(type), ({ inputs }) => text(inputs.name)))
        .get(text(name)) ?? [];
    return [
      ...demand(
        profile,
        named("aws:iam/instanceProfile:InstanceProfile", profile).some(
          (one) =>
            roleOf(one) === roleOf(environment) &&
            named("aws:iam/role:Role", one.inputs.role).some((role) => roleOf(role) === roleOf(one)),
        ),
        "option IamInstanceProfile",
        `the name of an instance profile of this program with tag role ${roleOf(environment)}`,
      ),
      ...demand(
        service,
        named("aws:iam/role:Role", service).length > 0,
        "option ServiceRole",
        "the name of a role of this program",
      ),
    ];
  },
  { neighbours: true, severity: "critical" },
);

export const noCoupledDatabase = rule(
  "no-coupled-database",
  "No database inside an environment",
  "it ends with the environment, and its password is a plain option",
  (environment) =>
    settingsOf(environment)
      .filter(({ namespace }) => namespace === "aws:rds:dbinstance")
      .map(
        ({ name }) => `Option ${name} couples a database. Remove it and use the database of this program.`,
      ),
);

const LISTENER = "elbv2:listener:443";
export const httpsListener = rule(
  "https-listener",
  "The load balancer speaks HTTPS with a certificate on port 443",
  "passwords would travel readable",
  (environment, context) => [
    ...must(LISTENER, "Protocol", (value) => value === "HTTPS", "HTTPS", isWeb)(environment, context),
    ...must(
      LISTENER,
      "ListenerEnabled",
      (value) => value !== "false",
      "true",
      (one) => isWeb(one) && option(one, LISTENER, "ListenerEnabled") !== undefined,
    )(environment, context),
    // A certificate that is not issued yet is a certificate.
    ...must(
      LISTENER,
      "SSLCertificateArns",
      (value) => value.startsWith("arn:"),
      "the certificate's ARN",
      (one) => isWeb(one) && !isUnknown(option(one, LISTENER, "SSLCertificateArns")),
    )(environment, context),
  ],
  { severity: "critical", reference: "AWS FSBP ELB.1" },
);

/** Listeners beside the default one that are on, by namespace without "aws:". */
const listenersOf = (environment: Resource): string[] =>
  [...new Set(settingsOf(environment).map(({ namespace }) => namespace))]
    .filter((namespace) => /^aws:elbv2:listener:(?!default$)/.test(namespace))
    .map((namespace) => namespace.replace("aws:", ""))
    .filter((listener) => text(option(environment, listener, "ListenerEnabled")) !== "false");

const isModernTls = (policy: unknown) =>
  /^ELBSecurityPolicy-(TLS13-1-[23]-|TLS-1-2-|FS-1-2-)/.test(text(policy));
const MODERN_TLS = "ELBSecurityPolicy-TLS13-1-2-2021-06";

export const tlsPolicy = rule(
  "tls-policy",
  "TLS 1.2 and newer only, on every listener",
  "older versions can be broken",
  (environment) =>
    isWeb(environment)
      ? [...new Set([LISTENER, ...listenersOf(environment)])].flatMap((listener) => {
          const policy = option(environment, listener, "SSLPolicy");
          return demand(policy, isModernTls(policy), `option ${listener}/SSLPolicy`, MODERN_TLS);
        })
      : [],
  { reference: "AWS FSBP ELB.17" },
);

export const plainHttp = rule(
  "plain-http-off",
  "The default listener on port 80 does not serve the application",
  "passwords would travel readable",
  (environment, context) => [
    ...must(
      "elbv2:listener:default",
      "ListenerEnabled",
      (value) => value === "false",
      "false",
      isWeb,
    )(environment, context),
    ...listenersOf(environment)
      .filter((listener) => listener !== LISTENER)
      .flatMap((listener) => {
        const protocol = option(environment, listener, "Protocol");
        return demand(
          protocol,
          protocol === "HTTPS",
          `option ${listener}/Protocol`,
          "HTTPS, or remove the listener",
        );
      }),
  ],
  { severity: "critical" },
);

export const listenerRedirects: Rule = {
  ...rule(
    "listener-redirects",
    "A plain HTTP listener only redirects to HTTPS at the same host; one for HTTPS takes TLS 1.2 and newer",
    "passwords would travel readable, or to somebody else",
    ({ inputs }) => {
      if (isUnknown(inputs.protocol) || isUnknown(inputs.defaultActions))
        return notEvaluated("protocol or action");
      if (inputs.protocol === "HTTPS")
        return demand(inputs.sslPolicy, isModernTls(inputs.sslPolicy), "sslPolicy", MODERN_TLS);
      const redirects = array(inputs.defaultActions).map((one) =>
        object(one).type === "redirect" ? object(object(one).redirect) : {},
      );
      return redirects.length > 0 &&
        redirects.every(
          ({ protocol, host }) => protocol === "HTTPS" && (host === undefined || host === "#{host}"),
        )
        ? []
        : [
            "The listener serves plain HTTP, or sends people elsewhere. Write one default action of type redirect with protocol HTTPS and no host.",
          ];
    },
    { severity: "critical", reference: "AWS FSBP ELB.1" },
  ),
  types: ["aws:lb/listener:Listener"],
};

export const imdsV2 = rule(
  "imds-v2",
  "Instances answer IMDSv2 only",
  "a tricked request could read the role's credentials",
  must("autoscaling:launchconfiguration", "DisableIMDSv1", (value) => value === "true", "true"),
  { reference: "AWS FSBP EC2.8" },
);

export const noSsh = rule(
  "no-ssh",
  "No SSH key and no SSH source",
  "a key is a way in that nobody watches; Session Manager does its work",
  (environment) =>
    ["EC2KeyName", "SSHSourceRestriction"]
      .filter((name) => text(option(environment, "autoscaling:launchconfiguration", name)) !== "")
      .map((name) => `Option ${name} is set. Remove it.`),
);

export const enhancedHealth = rule(
  "enhanced-health",
  "Enhanced health is on, and deployments heed it",
  "a deployment that breaks instances would go on to the next ones",
  (environment, context) => [
    ...must(
      "elasticbeanstalk:healthreporting:system",
      "SystemType",
      (value) => value === "enhanced",
      "enhanced",
    )(environment, context),
    ...must(
      "elasticbeanstalk:command",
      "IgnoreHealthCheck",
      (value) => value === "" || value === "false",
      "false",
    )(environment, context),
  ],
  { reference: "AWS FSBP ElasticBeanstalk.1", severity: "medium" },
);

export const logStreaming = rule(
  "log-streaming",
  "Logs are streamed to CloudWatch and kept for a set time",
  "logs of an ended instance are gone",
  (environment, context) => [
    ...must(
      "elasticbeanstalk:cloudwatch:logs",
      "StreamLogs",
      (value) => value === "true",
      "true",
    )(environment, context),
    ...must(
      "elasticbeanstalk:cloudwatch:logs",
      "RetentionInDays",
      (value) => Number(value) > 0,
      "a number of days",
    )(environment, context),
    ...must(
      "elasticbeanstalk:cloudwatch:logs",
      "DeleteOnTerminate",
      (value) => value === "" || value === "false",
      "false",
    )(environment, context),
  ],
  { reference: "AWS FSBP ElasticBeanstalk.3", severity: "medium" },
);

export const noPublicIp = rule(
  "instances-without-public-ip",
  "Instances have no public address",
  "what listens on them would be reachable from outside",
  must("ec2:vpc", "AssociatePublicIpAddress", (value) => value === "false", "false"),
  { reference: "AWS FSBP EC2.9" },
);

export const platform = rule(
  "supported-platform",
  "A supported platform branch (Amazon Linux 2023)",
  "retired platforms get no security updates",
  (environment) =>
    demand(
      platformOf(environment),
      /\b64bit Amazon Linux 2023\b/.test(text(platformOf(environment))),
      "platform",
      "a solutionStackName of 64bit Amazon Linux 2023",
    ),
);

export const healthPath = rule(
  "health-path",
  "Iaso's health path is /_health/ with its trailing slash",
  "without the slash the answer is a redirect and every instance looks ill",
  (environment, context) =>
    roleOf(environment) === "enketo"
      ? []
      : (isWeb(environment)
          ? must(
              "elasticbeanstalk:environment:process:default",
              "HealthCheckPath",
              (value) => value === "/_health/",
              "/_health/",
            )
          : must(
              "elasticbeanstalk:application",
              "Application Healthcheck URL",
              (value) => value === "/_health/",
              "/_health/",
            ))(environment, context),
);

export const workerTimeouts = rule(
  "worker-timeouts",
  "The daemon posts to /tasks/task/ and hides a message for longer than the application may take",
  "a running task would be started a second time",
  (environment) => {
    if (isWeb(environment)) return [];
    const visible = option(environment, "elasticbeanstalk:sqsd", "VisibilityTimeout");
    const inactive = option(environment, "elasticbeanstalk:sqsd", "InactivityTimeout");
    return [
      ...demand(
        isUnknown(inactive) ? inactive : visible,
        Number(visible) >= Number(inactive),
        "VisibilityTimeout",
        `InactivityTimeout (${text(inactive) || "not set"}) or more`,
      ),
      ...demand(
        option(environment, "elasticbeanstalk:sqsd", "HttpPath"),
        option(environment, "elasticbeanstalk:sqsd", "HttpPath") === "/tasks/task/",
        "HttpPath",
        "/tasks/task/",
      ),
    ];
  },
);
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";

export const workerUnreachable = rule(
  "worker-unreachable",
  "A worker is in groups of this program only, and none of them lets anything in",
  "Iaso's task paths have no authentication",
  (environment, context) => {
    if (isWeb(environment)) return [];
    const groups = context.once("groups", () => new Set(context.ofType(GROUP).map(({ urn }) => urn)));
    // The ids of the groups are unknown at first preview: what the settings are made of is known.
    const used = (environment.propertyDependencies?.settings ?? []).filter((urn) => groups.has(urn));
    const named = option(environment, "autoscaling:launchconfiguration", "SecurityGroups");
    if (used.length === 0 || text(named) === "")
      return ["The worker names no security group of this program. Write option SecurityGroups."];
    const ingress = context.once("ingress by group", () =>
      groupBy(
        context
          .ofType(INGRESS)
          .flatMap(({ name, propertyDependencies }) =>
            (propertyDependencies?.securityGroupId ?? []).map((group) => ({ group, name })),
          ),
        ({ group }) => group,
      ),
    );
    return used
      .flatMap((urn) => ingress.get(urn) ?? [])
      .map(
        ({ name }) => `Rule ${name} lets traffic in to the worker. Remove it, or its group from the worker.`,
      );
  },
  { neighbours: true, severity: "critical" },
);

export const pair = rule(
  "web-worker-pair",
  "Web and worker of one env go together: both present, same platform, image, application, deployment policy and variables",
  "code that runs on one would fail on the other",
  (environment, context) => {
    const role = roleOf(environment);
    if (role !== "web" && role !== "worker") return [];
    const env = object(environment.inputs.tags).env;
    const other = (
      context
        .once("environments by env", () =>
          groupBy(context.ofType(ENVIRONMENT), ({ inputs }) => text(object(inputs.tags).env)),
        )
        .get(text(env)) ?? []
    ).filter((one) => roleOf(one) === (role === "web" ? "worker" : "web"));
    const [partner] = other;
    if (partner === undefined || other.length > 1)
      return [
        `There are ${String(other.length)} partners for ${role} of env ${text(env)}. Write exactly one of each role.`,
      ];
    if (isWeb(environment) !== (role === "web"))
      return [
        `The tier of role ${role} is ${text(environment.inputs.tier)}. Write ${role === "web" ? "WebServer" : "Worker"}.`,
      ];
    if (role === "worker") return [];
    const differs = [
      ...(environment.inputs.application === partner.inputs.application ? [] : ["application"]),
      ...(platformOf(environment) === platformOf(partner) ? [] : ["platform"]),
    ];
    for (const [namespace, name] of [
      ["autoscaling:launchconfiguration", "ImageId"],
      ["elasticbeanstalk:command", "DeploymentPolicy"],
    ] as const)
      if (option(environment, namespace, name) !== option(partner, namespace, name)) differs.push(name);
    // Two images that are not known yet are the same where the same command builds them.
    const builders = ({ propertyDependencies }: Resource) =>
      (propertyDependencies?.settings ?? []).filter((urn) => urn.includes("command:local:Command")).sort();
    if (
      isUnknown(option(environment, "autoscaling:launchconfiguration", "ImageId")) &&
      builders(environment).join() !== builders(partner).join()
    )
      differs.push("ImageId");
    const variables = (one: Resource) =>
      new Map(
        settingsOf(one)
          .filter(({ namespace }) => namespace.startsWith(VARIABLES))
          .map(({ name, value }) => [name, value]),
      );
    const [mine, theirs] = [variables(environment), variables(partner)];
    for (const name of new Set([...mine.keys(), ...theirs.keys()]))
      if (name !== "WORKER" && mine.get(name) !== theirs.get(name)) differs.push(`variable ${name}`);
    return differs.map((name) => `Web and worker differ in ${name}. Write the same for both.`);
  },
  { neighbours: true },
);

/** What is not known yet are host names: DNS takes no longer ones. */
const LONGEST_UNKNOWN = 253;

export const variablesSize = rule(
  "variables-size",
  "All variables together take at most 4,096 bytes",
  "Beanstalk refuses more",
  (environment) => {
    const size = settingsOf(environment)
      .filter(({ namespace }) => namespace.startsWith(VARIABLES))
      .reduce(
        (sum, { name, value }) =>
          sum +
          Buffer.byteLength(`${name}=`) +
          1 +
          (isUnknown(value) ? LONGEST_UNKNOWN : Buffer.byteLength(text(value))),
        0,
      );
    return size <= 4096 ? [] : [`Variables take ${String(size)} bytes. Write fewer or shorter ones.`];
  },
);

const inApplication = (more: Partial<Rule> = {}): Partial<Rule> => ({ area: "application", ...more });
const isIaso = (environment: Resource) => ["web", "worker"].includes(roleOf(environment));
const namesOf = (environment: Resource) =>
  settingsOf(environment)
    .filter(({ namespace }) => namespace.startsWith(VARIABLES))
    .map(({ name }) => name);
export const variablesPresent = rule(
  "variables-present",
  "All variables that Iaso needs on AWS are set",
  "every one has a default, so a forgotten one is not noticed at start",
  (environment) =>
    !isIaso(environment)
      ? []
      : contract.necessaryOnAws
          .filter(
            (name) =>
              !settingsOf(environment).some(
                (one) => one.namespace.startsWith(VARIABLES) && one.name === name && one.value !== "",
              ),
          )
          .map((name) => `Variable ${name} is not set. Write it.`),
  inApplication(),
);

export const variablesKnown = rule(
  "variables-known",
  "Only variables that Iaso reads are set",
  "a misspelt name has no effect and nobody notices",
  (environment, { parameters }) =>
    !isIaso(environment)
      ? []
      : namesOf(environment)
          .filter(
            (name) =>
              !contract.variables.some((one) => one.name === name) &&
              !array(parameters.alsoAllowed).includes(name),
          )
          .map((name) => `Iaso reads no variable ${name}. Mend its name or remove it.`),
  inApplication({
    parameters: {
      alsoAllowed: {
        type: "array",
        default: ["DJANGO_SETTINGS_MODULE", "LANG", "LC_ALL", "PYTHONPATH"],
        description: "Names that others than Iaso's settings read",
      },
    },
  }),
);

export const noDevelopmentSwitches = rule(
  "no-development-switches",
  "DEBUG, long-lived keys, development switches and what each version's bundle sets are not set",
  "debug pages show settings and data to strangers",
  (environment) =>
    namesOf(environment)
      .filter((name) => contract.mustNotBeSet.includes(name))
      .map((name) => `Variable ${name} is set. Remove it.`),
  inApplication({ severity: "critical" }),
);

export const workerSwitch = rule(
  "worker-switch",
  "WORKER is true on the worker and false on the web",
  "Iaso's task paths have no authentication",
  (environment, context) =>
    must(
      "elasticbeanstalk:application:environment",
      "WORKER",
      (value) => value === String(roleOf(environment) === "worker"),
      roleOf(environment) === "worker" ? "true" : "false",
      isIaso,
    )(environment, context),
  inApplication({ severity: "critical" }),
);

const isHttps = (value: string) => /^https:\/\/[^\s/@]+(\/|$)/.test(value);

/** Variables that have safe and unsafe values; an absent one is {@link variablesPresent}'s matter. */
const VALUES: Record<string, { holds: (value: string) => boolean; instead: string }> = {
  ...Object.fromEntries(
    [
      ...contract.mustSetOnElasticBeanstalk.both,
      ...contract.mustSetOnElasticBeanstalk.webRecommended,
      "EMAIL_TLS=true",
    ]
      .map((one) => one.split("="))
      .flatMap(([name = "", value]) =>
        value === undefined
          ? []
          : [
              [
                name,
                { holds: (given: string) => given.toLowerCase() === value.toLowerCase(), instead: value },
              ],
            ],
      ),
  ),
  AWS_S3_ENDPOINT_URL: { holds: () => false, instead: "nothing: Iaso uses S3's own address" },
  ENKETO_URL: { holds: isHttps, instead: "an https:// address" },
  SERVER_URL: { holds: isHttps, instead: "an https:// address" },
  STATIC_URL: { holds: isHttps, instead: "an https:// address" },
  USE_AZURE_STORAGE: { holds: (value) => value.toLowerCase() === "false", instead: "false" },
};

export const variablesSafe = rule(
  "variables-safe",
  "Variables that guard something have their safe value",
  "cookies, mail and media would go where others can read them",
  (environment) =>
    !isIaso(environment)
      ? []
      : settingsOf(environment)
          .filter(({ namespace, name, value }) => namespace === VARIABLES && name in VALUES && value !== "")
          .flatMap(({ name, value }) => {
            const { holds = () => true, instead = "" } = VALUES[name] ?? {};
            return demand(value, holds(text(value)), `variable ${name}`, instead);
          }),
  inApplication({ severity: "critical" }),
);

const DATABASE = "aws:rds/instance:Instance";
const QUEUE = "aws:sqs/queue:Queue";

export const variablesOwn = rule(
  "variables-own-resources",
  "Iaso's database, queue and addresses are those of this program",
  "patients' data would go to somebody else, or pages run somebody else's scripts",
  (environment, context) => {
    if (!isIaso(environment)) return [];
    const host = option(environment, VARIABLES.replace("aws:", ""), "RDS_HOSTNAME");
    const url = option(environment, VARIABLES.replace("aws:", ""), "BEANSTALK_SQS_URL");
    const databases = context.once(
      "identifiers and URNs of databases",
      () => new Set(context.ofType(DATABASE).flatMap(({ urn, inputs }) => [urn, text(inputs.identifier)])),
    );
    const isOwnHost = isUnknown(host)
      ? (environment.propertyDependencies?.settings ?? []).some((urn) => databases.has(urn))
      : databases.has(
          /^([a-z0-9-]+)\.[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com$/.exec(text(host))?.[1] ?? "",
        );
    return [
      // A host name that is not known yet is the database's where it is made of it.
      ...(isOwnHost
        ? []
        : demand(host, false, "variable RDS_HOSTNAME", "the address of the database of this program")),
      ...demand(url, isOwnQueue(url, context), "variable BEANSTALK_SQS_URL", "the URL of the task queue"),
      ...["ENKETO_URL", "SERVER_URL", "STATIC_URL"].flatMap((name) => {
        const address = option(environment, VARIABLES.replace("aws:", ""), name);
        const own =
          text(address) === "" || ownHosts(context).has(/^\w+:\/\/([^/:]*)/.exec(text(address))?.[1] ?? "");
        return demand(
          address,
          own,
          `variable ${name}`,
          "an address with a DNS record, or a bucket, of this program",
        );
      }),
    ];
  },
  inApplication({ severity: "critical", neighbours: true }),
);

/** Host names that have a record of this program, and S3's for its static buckets. */
const ownHosts = (context: Context): Set<string> =>
  context.once("own hosts", () => {
    const names = context.ofType("aws:route53/record:Record").map(({ inputs }) => text(inputs.name));
    const regions = context.ofType("pulumi:providers:aws").map(({ inputs }) => text(inputs.region));
    const buckets = context
      .ofType("aws:s3/bucket:Bucket")
      .filter(({ inputs }) => object(inputs.tags).class === "static")
      .flatMap(({ inputs }) => regions.map((region) => `${text(inputs.bucket)}.s3.${region}.amazonaws.com`));
    return new Set([...names, ...buckets]);
  });

/** Whether a URL is that of a queue of this program, in its account. */
export function isOwnQueue(url: unknown, context: Context): boolean {
  const [, account = "", name = ""] =
    /^https:\/\/sqs\.[a-z0-9-]+\.amazonaws\.com\/(\d{12})\/([\w.-]+)$/.exec(text(url)) ?? [];
  const queues = context.once(
    "names of queues",
    () => new Set(context.ofType(QUEUE).map(({ inputs }) => text(inputs.name))),
  );
  return queues.has(name) && ownAccounts(context).includes(account);
}

const SECRET_NAME =
  /(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY|CREDENTIALS?|DSN|_KEY|_PASS|_PWD)$/i;
/** What the contract says of a name; of others, whether it is one that people give to secrets. */
const isSecretName = (name: string) =>
  contract.variables.find((one) => one.name === name)?.secret ?? SECRET_NAME.test(name);

/** Shapes of keys and tokens, and of a password in an address, a query or a command line. */
const TOKENS = [
  /(AKIA|ASIA)[0-9A-Z]{16}/,
  /gh[pousr]_\w{30,}|github_pat_\w{20,}|glpat-[\w-]{20,}|npm_\w{30,}/,
  /xox[abprs]-[\w-]{10,}|hooks\.slack\.com\/services\/\w+/,
  /-----BEGIN [A-Z ]*PRIVATE KEY|LS0tLS1CRUdJTi/,
  /key-[0-9a-f]{32}|\b[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b/,
  /eyJ[\w-]{10,}\.eyJ/,
  /[sr]k_(live|test)_\w{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|AIza[\w-]{35}|hvs\.[\w-]{20,}/,
  /:\/\/[^/\s:@]*:[^/\s@]+@|:\/\/[0-9a-f]{32}@/,
  /(password|passwd|pwd|secret|token|api_?key)=[^\s&"'$<{[]/i,
];
const isToken = (value: string) => TOKENS.some((shape) => shape.test(value));
function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const letter of value) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return [...counts.values()].reduce(
    (sum, count) => sum - (count / value.length) * Math.log2(count / value.length),
    0,
  );
}
/** Base64 of something that can be read: a word would not turn into text by chance. */
const hidesText = (value: string) =>
  /^[A-Za-z0-9+/]{16,}={0,2}$/.test(value) &&
  value.length % 4 === 0 &&
  /^[\x20-\x7e\r\n]+$/.test(Buffer.from(value, "base64").toString("latin1"));
const looksRandom = (value: string) =>
  hidesText(value) ||
  (/^[0-9a-f]{32,}$/i.test(value) && entropy(value) > 3) ||
  (/^[a-z0-9]{24,}$/i.test(value) && (value.match(/\d/g) ?? []).length > 4 && entropy(value) > 4) ||
  (/^[\w+/=-]{24,}$/.test(value) &&
    /\d/.test(value) &&
    /[a-z]/.test(value) &&
    /[A-Z]/.test(value) &&
    entropy(value) > 4);
export const noPlainSecrets = rule(
  "no-plain-secrets",
  "No secret is a plain option or variable",
  "options are readable in the console, the API and the logs",
  (environment) =>
    settingsOf(environment)
      .filter(({ namespace, name, value }) => {
        if (namespace === VARIABLES && isSecretName(name)) return value !== "";
        // What is not known yet is another resource's output, such as the database's address.
        if (text(value) === "" || isUnknown(value)) return false;
        return (
          value === SECRET || isToken(text(value)) || (namespace === VARIABLES && looksRandom(text(value)))
        );
      })
      .map(({ namespace, name }) =>
        namespace === VARIABLES
          ? `Variable ${name} is a secret. Put it into SSM Parameter Store and map it in namespace ${VARIABLES}secrets.`
          : `Option ${namespace}/${name} holds a secret. Remove it.`,
      ),
  inApplication({ severity: "critical" }),
);

export const secretsByArn = rule(
  "secrets-by-arn",
  "A secret variable names its parameter or secret by ARN",
  "anything else is the secret itself",
  (environment) =>
    settingsOf(environment)
      .filter(({ namespace }) => namespace === `${VARIABLES}secrets`)
      .flatMap(({ name, value }) => {
        if (isUnknown(value)) return notEvaluated(`secret variable ${name}`);
        return /^arn:[\w-]+:(ssm:[a-z0-9-]+:\d{12}:parameter\/.|secretsmanager:[a-z0-9-]+:\d{12}:secret:.)/.test(
          text(value),
        )
          ? []
          : // What stands there instead may be the secret itself, and is not shown.
            [`Secret variable ${name} has no ARN. Write the ARN of its parameter.`];
      }),
  inApplication({ severity: "critical" }),
);
/** Properties whose provider keeps them encrypted: here the engine shows the pack the secret itself. */
const SECRET_PROPERTIES: Record<string, string[]> = {
  "aws:ssm/parameter:Parameter": ["value"],
  "aws:rds/instance:Instance": ["password"],
  "aws:elasticache/replicationGroup:ReplicationGroup": ["authToken"],
};

/** Hashes and identifiers, random by nature, and what is in them. */
const RANDOM_BY_NATURE = /(triggers|hash|ids?|fingerprint|etag|records|arns?|dimensions)$/i;

/** Names of the inputs, at any depth, that hold a secret as people write it. */
function secretsIn(name: string, value: unknown, mayBeRandom = RANDOM_BY_NATURE.test(name)): string[] {
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, one]) =>
      Array.isArray(value)
        ? secretsIn(name, one, mayBeRandom)
        : secretsIn(key, one, mayBeRandom || RANDOM_BY_NATURE.test(key)),
    );
  if (typeof value !== "string" || value === "" || value === SECRET || isUnknown(value)) return [];
  return (SECRET_NAME.test(name) && !value.startsWith("arn:")) ||
    // Most inputs are short words.
    (value.length > 9 && (isToken(value) || (!mayBeRandom && looksRandom(value))))
    ? [name]
    : [];
}

export const noSecretInInputs: Rule = {
  ...rule(
    "no-secret-in-inputs",
    "No input of any resource holds a secret in plain text, by its name, its shape or its randomness",
    "inputs are kept in state and shown in previews",
    ({ type, inputs }) =>
      // An environment's settings are no-plain-secrets' matter.
      Object.entries(inputs)
        .filter(
          ([name]) =>
            !SECRET_PROPERTIES[type]?.includes(name) && !(type === ENVIRONMENT && name === "settings"),
        )
        .flatMap(([name, value]) =>
          secretsIn(name, value).map((inner) => (inner === name ? name : `${name}: ${inner}`)),
        )
        .map(
          (where) =>
            `Input ${where} looks like a secret. Make it a Pulumi secret and put it into SSM Parameter Store.`,
        ),
    inApplication({ severity: "critical" }),
  ),
  types: undefined,
};

export const parameterSecure: Rule = {
  ...rule(
    "secret-parameter-secure",
    "Parameters under secrets/, or named like a secret, are SecureString",
    "plain parameters are readable to all who list them",
    ({ inputs }) =>
      isUnknown(inputs.name)
        ? notEvaluated("name")
        : text(inputs.name).includes("/secrets/") || isSecretName(text(inputs.name).split("/").pop() ?? "")
          ? demand(inputs.type, inputs.type === "SecureString", "type", "SecureString")
          : [],
    inApplication(),
  ),
  types: ["aws:ssm/parameter:Parameter"],
};
