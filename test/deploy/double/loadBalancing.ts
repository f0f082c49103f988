import { type Time } from "./clocks";
import { AwsFault, itemsOf, structuresOf, type Xml } from "./protocol";

interface SimulatedRule {
  arn: string;
  listener: string;
  priority: number;
  paths: string[];
  action: { type: string; targetGroup?: string; status?: string; contentType?: string; body?: string };
  /** The times between which requests meet the rule: changes do not take effect at once. */
  from: number;
  until: number;
}

/** The answer of the load balancer itself, or "forward" if the instances answer. */
export type Routed = "forward" | { status: number; contentType: string; body: string };

const ACCOUNT = "arn:aws:elasticloadbalancing:eu-central-1:123456789012";
const PATH = "app/awseb--AWSEB-STAGING/0123456789abcdef";
export const BALANCER = `${ACCOUNT}:loadbalancer/${PATH}`;
export const LISTENER = `${ACCOUNT}:listener/${PATH}/443aaaaaaaaaaaaa`;
export const TARGET_GROUP = `${ACCOUNT}:targetgroup/awseb-AWSEB-STAGING/0123456789abcdef`;
/** The DNS name of the environment's load balancer, as Beanstalk writes it. */
export const ENDPOINT = "awseb--AWSEB-STAGING-1234567890.eu-central-1.elb.amazonaws.com";

/** @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
const MOST_RULES = 100;
const CONTENT_TYPES = ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];

interface SimulatedListener {
  arn: string;
  port: number;
  /** Undefined for one that redirects. */
  targetGroup?: string;
}

/** A load balancer, an application one by default. */
export interface SimulatedBalancer {
  arn: string;
  dnsName: string;
  type?: "application" | "network";
  listeners: SimulatedListener[];
}

/** Elastic Load Balancing: the balancer of the web environment, that of a neighbour, and those that tests add. */
export class LoadBalancing {
  readonly balancers: SimulatedBalancer[] = [
    { arn: BALANCER.replace("STAGING", "DEMO"), dnsName: ENDPOINT.replace("STAGING", "DEMO"), listeners: [] },
    {
      arn: BALANCER,
      // The DNS name is in lower case in some answers.
      dnsName: ENDPOINT.toLowerCase(),
      listeners: [
        { arn: LISTENER.replace("443", "080"), port: 80 },
        { arn: LISTENER, port: 443, targetGroup: TARGET_GROUP },
      ],
    },
  ];
  readonly rules: SimulatedRule[] = [];
  /** Milliseconds until a change of a rule takes effect. */
  delay = (): number => 0;
  private created = 0;

  constructor(private readonly time: Time) {}

  /** @throws AwsFault as Elastic Load Balancing does */
  handle(operation: string, form: URLSearchParams): Xml {
    switch (operation) {
      case "DescribeLoadBalancers":
        return {
          LoadBalancers: this.balancers.map(({ arn, dnsName, type = "application" }) => ({
            LoadBalancerArn: arn,
            DNSName: dnsName,
            Type: type,
          })),
        };
      case "DescribeListeners":
        return this.describeListeners(form.get("LoadBalancerArn") ?? "");
      case "DescribeRules":
        return this.describeRules(form);
      case "CreateRule":
        return this.create(form);
      case "DeleteRule": {
        const found = this.existing().find(({ arn }) => arn === form.get("RuleArn"));
        if (found === undefined) throw new AwsFault("RuleNotFound", "One or more rules not found");
        found.until = this.time.now + this.delay();
        this.gone.add(found.arn);
        return {};
      }
      default:
        throw new AwsFault("InvalidAction", `The double of Elastic Load Balancing has no ${operation}.`);
    }
  }

  /** Rules that descriptions do not show any more, while some requests still meet them. */
  private readonly gone = new Set<string>();

  /** The rules of a listener, or of all. */
  existing(listener?: string): SimulatedRule[] {
    return this.rules.filter(
      (rule) => !this.gone.has(rule.arn) && (listener === undefined || rule.listener === listener),
    );
  }

  /** Who answers a request of a user at the double's time. */
  route(path: string, listener = LISTENER): Routed {
    const { now } = this.time;
    const [rule] = this.rules
      .filter(
        (rule) =>
          rule.listener === listener &&
          rule.from <= now &&
          now < rule.until &&
          rule.paths.some((one) => matches(one, path)),
      )
      .sort((one, other) => one.priority - other.priority);
    if (rule?.action.type !== "fixed-response") return "forward";
    const { body = "", contentType = "", status } = rule.action;
    return { status: Number(status), contentType, body };
  }

  /** A rule of somebody else. */
  addForeign(priority: number, listener = LISTENER): void {
    this.add(listener, priority, ["/old/*"], { type: "redirect" });
  }

  private add(
    listener: string,
    priority: number,
    paths: string[],
    action: SimulatedRule["action"],
  ): SimulatedRule {
    this.created += 1;
    const id = String(this.created).padStart(16, "0");
    const arn = `${listener.replace(":listener/", ":listener-rule/")}/${id}`;
    const from = this.time.now + this.delay();
    const rule = { arn, listener, priority, paths, action, from, until: Infinity };
    this.rules.push(rule);
    return rule;
  }

  private describeListeners(balancer: string): Xml {
    const found = this.balancers.find(({ arn }) => arn === balancer);
    if (found === undefined)
      throw new AwsFault("LoadBalancerNotFound", "One or more load balancers not found");
    return {
      Listeners: found.listeners.map(({ arn, port, targetGroup }) => ({
        ListenerArn: arn,
        Port: port,
        Protocol: port === 443 ? "HTTPS" : "HTTP",
        DefaultActions: [
          targetGroup === undefined ? { Type: "redirect" } : { Type: "forward", TargetGroupArn: targetGroup },
        ],
      })),
    };
  }

  private describeRules(form: URLSearchParams): Xml {
    const listener = form.get("ListenerArn") ?? "";
    this.requireListener(listener);
    const rules = this.existing(listener).map(({ action, arn, paths, priority }) => ({
      RuleArn: arn,
      Priority: String(priority),
      IsDefault: false,
      Conditions: [{ Field: "path-pattern", Values: paths, PathPatternConfig: { Values: paths } }],
      Actions: [{ Type: action.type, TargetGroupArn: action.targetGroup }],
    }));
    const last = {
      RuleArn: `${listener}/default`,
      Priority: "default",
      IsDefault: true,
      Conditions: [],
      Actions: [],
    };
    return { Rules: [...rules, last] };
  }

  private create(form: URLSearchParams): Xml {
    const listener = form.get("ListenerArn") ?? "";
    this.requireListener(listener);
    const priority = Number(form.get("Priority"));
    if (!(priority >= 1 && priority <= 50_000)) {
      throw new AwsFault("ValidationError", "Priority must be between 1 and 50000");
    }
    if (this.existing(listener).some((rule) => rule.priority === priority)) {
      throw new AwsFault("PriorityInUse", `Priority '${priority}' is currently in use`);
    }
    if (this.existing(listener).length >= MOST_RULES)
      throw new AwsFault("TooManyRules", "The maximum number of rules");
    const balancer = this.balancers.find(({ listeners }) => listeners.some(({ arn }) => arn === listener));
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html
    if (balancer?.type === "network")
      throw new AwsFault("ValidationError", "Network load balancers do not support path-pattern conditions");
    const paths = structuresOf(form, "Conditions").flatMap((condition) => {
      if (condition.get("Field") !== "path-pattern")
        throw new AwsFault("ValidationError", "unknown condition");
      return itemsOf(condition, "PathPatternConfig.Values");
    });
    if (paths.length === 0) throw new AwsFault("ValidationError", "A rule must have at least one condition");
    if (paths.length > 5)
      throw new AwsFault("InvalidConfigurationRequest", "A rule can have 5 condition values");
    const [action, ...more] = structuresOf(form, "Actions");
    if (action === undefined || more.length > 0) throw new AwsFault("TooManyActions", "");
    const targetGroups = this.balancers.flatMap(({ listeners }) =>
      listeners.flatMap(({ targetGroup = [] }) => targetGroup),
    );
    const { arn } = this.add(listener, priority, paths, actionOf(action, targetGroups));
    return { Rules: [{ RuleArn: arn, Priority: String(priority) }] };
  }

  private requireListener(listener: string): void {
    const isKnown = this.balancers.some(({ listeners }) => listeners.some(({ arn }) => arn === listener));
    if (!isKnown) throw new AwsFault("ListenerNotFound", "One or more listeners not found");
  }
}

/** @throws AwsFault for the responses that Elastic Load Balancing refuses */
function actionOf(action: URLSearchParams, targetGroups: readonly string[]): SimulatedRule["action"] {
  const type = action.get("Type") ?? "";
  if (type === "forward") {
    const targetGroup = action.get("TargetGroupArn") ?? "";
    if (!targetGroups.includes(targetGroup))
      throw new AwsFault("TargetGroupNotFound", `'${targetGroup}' not found`);
    return { type, targetGroup };
  }
  if (type !== "fixed-response")
    throw new AwsFault("InvalidLoadBalancerAction", `Invalid action type '${type}'`);
  const field = (name: string): string => action.get(`FixedResponseConfig.${name}`) ?? "";
  const [status, contentType, body] = [field("StatusCode"), field("ContentType"), field("MessageBody")];
  if (!/^[245]\d\d$/.test(status)) throw new AwsFault("ValidationError", `Invalid status code '${status}'`);
  if (!CONTENT_TYPES.includes(contentType)) throw new AwsFault("ValidationError", "Invalid content type");
  if (Buffer.byteLength(body) > 1024) throw new AwsFault("ValidationError", "The message body is too long");
  return { type, status, contentType, body };
}

const matches = (pattern: string, path: string): boolean =>
  new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(path);
