import { readFileSync } from "node:fs";
import { join } from "node:path";
import { array, demand, groupBy, isUnknown, object, Resource, Rule, SECRET, text } from "../rule";

export const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const VARIABLES = "aws:elasticbeanstalk:application:environment";

interface Option {
  type: string;
  values?: string[];
  min?: number;
  max?: number;
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
  necessaryOnAws: string[];
  mustNotBeSet: string[];
};

interface Setting {
  namespace: string;
  name: string;
  value: unknown;
}

const settingsOf = ({ inputs }: Resource): Setting[] =>
  array(inputs.settings).map((one) => ({
    namespace: text(object(one).namespace),
    name: text(object(one).name),
    value: object(one).value,
  }));
const option = (environment: Resource, namespace: string, name: string) =>
  settingsOf(environment).find((one) => one.namespace === `aws:${namespace}` && one.name === name)?.value;
const roleOf = ({ inputs }: Resource) => text(object(inputs.tags).role);
/** The engine shows of what exists already its outputs also, platformArn among them. */
const platformOf = ({ inputs }: Resource) => inputs.solutionStackName ?? inputs.platformArn;
const isWeb = ({ inputs }: Resource) => inputs.tier !== "Worker";

const rule = (
  name: string,
  description: string,
  why: string,
  check: Rule["check"],
  more: Partial<Rule> = {},
): Rule => ({
  name,
  area: "beanstalk",
  description,
  why,
  severity: "high",
  level: "mandatory",
  types: [ENVIRONMENT],
  check,
  ...more,
});

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

export const beanstalkOptions = rule(
  "beanstalk-options",
  "Every option is one that Beanstalk knows, with a value it takes, for a tier it applies to",
  "the update would fail half-way, or the option be ignored",
  (environment) => {
    const seen = new Set<string>();
    const found = settingsOf(environment).flatMap(({ namespace, name, value }) => {
      const id = `${namespace}/${name}`;
      const twice = seen.has(id) ? [`Option ${id} is set twice. Write it once.`] : [];
      seen.add(id);
      const known = catalogNamespace(namespace);
      if (known === undefined)
        return [...twice, `Namespace ${namespace} does not exist. Write one of Beanstalk's namespaces.`];
      if (known.tier !== undefined && (known.tier === "Worker") === isWeb(environment))
        return [...twice, `Option ${id} does not apply to this tier. Remove it.`];
      if (known.freeForm === true || known.options === undefined) return twice;
      const facts = known.options[name];
      if (facts === undefined)
        return [
          ...twice,
          `Option ${id} does not exist. Write one of ${Object.keys(known.options).join(", ")}.`,
        ];
      const given = text(value);
      if (isUnknown(value) || given === "") return twice;
      if (facts.type === "boolean" && !/^(true|false)$/i.test(given))
        return [...twice, `Option ${id} is ${given}. Write true or false.`];
      if (facts.type === "enum" && facts.values?.includes(given) === false)
        return [...twice, `Option ${id} is ${given}. Write one of ${facts.values.join(", ")}.`];
      if (
        facts.type === "integer" &&
        !(
          /^-?\d+$/.test(given) &&
          Number(given) >= (facts.min ?? -Infinity) &&
          Number(given) <= (facts.max ?? Infinity)
        )
      )
        return [
          ...twice,
          `Option ${id} is ${given}. Write a whole number from ${String(facts.min ?? "any")} to ${String(facts.max ?? "any")}.`,
        ];
      return twice;
    });
    const least = Number(option(environment, "autoscaling:asg", "MinSize") ?? 1);
    const most = Number(option(environment, "autoscaling:asg", "MaxSize") ?? 4);
    return least > most
      ? [
          ...found,
          `MinSize ${String(least)} is greater than MaxSize ${String(most)}. Write MinSize <= MaxSize.`,
        ]
      : found;
  },
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

export const tlsPolicy = rule(
  "tls-policy",
  "TLS 1.2 and newer only",
  "older versions can be broken",
  must(
    LISTENER,
    "SSLPolicy",
    (value) => /^ELBSecurityPolicy-(TLS13-1-[23]-|TLS-1-2-|FS-1-2-)/.test(value),
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    isWeb,
  ),
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
    ...(isWeb(environment) &&
    settingsOf(environment).some(
      ({ namespace, name, value }) =>
        /^aws:elbv2:listener:(?!443$|default$)/.test(namespace) && name === "Protocol" && value !== "HTTPS",
    )
      ? ["A second listener serves plain HTTP. Remove it."]
      : []),
  ],
  { severity: "critical" },
);

export const listenerRedirects: Rule = {
  ...rule(
    "listener-redirects",
    "A plain HTTP listener only redirects to HTTPS",
    "passwords would travel readable",
    ({ inputs }) =>
      inputs.protocol === "HTTPS" ||
      (array(inputs.defaultActions).length > 0 &&
        array(inputs.defaultActions).every(
          (one) => object(one).type === "redirect" && object(object(one).redirect).protocol === "HTTPS",
        ))
        ? []
        : ["The listener serves plain HTTP. Write one default action of type redirect to HTTPS."],
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
  "Enhanced health is on",
  "rolling deployments go by it",
  must("elasticbeanstalk:healthreporting:system", "SystemType", (value) => value === "enhanced", "enhanced"),
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
        visible,
        Number(visible) >= Number(inactive),
        "VisibilityTimeout",
        "InactivityTimeout or more",
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

export const workerUnreachable = rule(
  "worker-unreachable",
  "No security group of a worker lets anything in",
  "Iaso's task paths have no authentication",
  (environment, context) => {
    if (isWeb(environment)) return [];
    // The ids of the groups are unknown at first preview: what the settings are made of is known.
    const used = environment.propertyDependencies?.settings ?? [];
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

export const variablesSize = rule(
  "variables-size",
  "All variables together take at most 4,096 bytes",
  "Beanstalk refuses more",
  (environment) => {
    const size = settingsOf(environment)
      .filter(({ namespace }) => namespace.startsWith(VARIABLES))
      .reduce((sum, { name, value }) => sum + Buffer.byteLength(`${name}=${text(value)}`) + 1, 0);
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
  "DEBUG, long-lived keys and development switches are not set",
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

const SECRET_NAME = /(PASSWORD|SECRET|TOKEN|PRIVATE_?KEY|API_?KEY|_KEY$|CREDENTIAL)/i;
const TOKEN =
  /AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}|xox[bp]-[\w-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY|key-[0-9a-f]{32}|eyJ[\w-]{10,}\.eyJ|:\/\/[^/\s:@]+:[^/\s@]+@|sk_live_\w{16,}/;
function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const letter of value) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return [...counts.values()].reduce(
    (sum, count) => sum - (count / value.length) * Math.log2(count / value.length),
    0,
  );
}
const looksRandom = (value: string) =>
  (/^[0-9a-f]{32,}$/i.test(value) && entropy(value) > 3) ||
  (/^[\w+/=-]{24,}$/.test(value) &&
    /\d/.test(value) &&
    /[a-z]/.test(value) &&
    /[A-Z]/.test(value) &&
    entropy(value) > 4);
export const noPlainSecrets = rule(
  "no-plain-secrets",
  "No secret is a plain variable",
  "options are readable in the console, the API and the logs",
  (environment) =>
    settingsOf(environment)
      .filter(
        ({ namespace, name, value }) =>
          namespace === VARIABLES &&
          text(value) !== "" &&
          !isUnknown(value) &&
          (value === SECRET ||
            contract.variables.some((one) => one.name === name && one.secret) ||
            SECRET_NAME.test(name) ||
            TOKEN.test(text(value)) ||
            looksRandom(text(value))),
      )
      .map(
        ({ name }) =>
          `Variable ${name} is a secret. Put it into SSM Parameter Store and map it in namespace ${VARIABLES}secrets.`,
      ),
  inApplication({ severity: "critical" }),
);

export const secretsByArn = rule(
  "secrets-by-arn",
  "A secret variable names its parameter or secret by ARN",
  "anything else is the secret itself",
  (environment) =>
    settingsOf(environment)
      .filter(
        ({ namespace, value }) =>
          namespace === `${VARIABLES}secrets` &&
          !/^arn:[\w-]+:(ssm|secretsmanager):/.test(text(value)) &&
          !isUnknown(value),
      )
      .map(({ name }) => `Secret variable ${name} has no ARN. Write the ARN of its parameter.`),
  inApplication({ severity: "critical" }),
);
/** Properties whose provider keeps them encrypted: here the engine shows the pack the secret itself. */
const SECRET_PROPERTIES: Record<string, string[]> = {
  "aws:ssm/parameter:Parameter": ["value"],
  "aws:rds/instance:Instance": ["password"],
  "aws:elasticache/replicationGroup:ReplicationGroup": ["authToken"],
};

export const noSecretInInputs: Rule = {
  ...rule(
    "no-secret-in-inputs",
    "No input of any resource holds a token in plain text",
    "inputs are kept in state and shown in previews",
    ({ type, inputs }) => {
      const plain = Object.entries(inputs).filter(([name]) => !SECRET_PROPERTIES[type]?.includes(name));
      return TOKEN.test(JSON.stringify(plain))
        ? ["An input holds a token. Make it a Pulumi secret and put it into SSM Parameter Store."]
        : [];
    },
    inApplication({ severity: "critical" }),
  ),
  types: undefined,
};

export const parameterSecure: Rule = {
  ...rule(
    "secret-parameter-secure",
    "Parameters under secrets/ are SecureString",
    "plain parameters are readable to all who list them",
    ({ inputs }) =>
      text(inputs.name).includes("/secrets/")
        ? demand(inputs.type, inputs.type === "SecureString", "type", "SecureString")
        : [],
    inApplication(),
  ),
  types: ["aws:ssm/parameter:Parameter"],
};
