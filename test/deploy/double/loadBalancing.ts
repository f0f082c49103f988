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

/** Elastic Load Balancing: the balancer of the web environment, and that of a neighbour. */
export class LoadBalancing {
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
          LoadBalancers: [
            {
              LoadBalancerArn: BALANCER.replace("STAGING", "DEMO"),
              DNSName: ENDPOINT.replace("STAGING", "DEMO"),
            },
            // The DNS name is in lower case in some answers.
            { LoadBalancerArn: BALANCER, DNSName: ENDPOINT.toLowerCase() },
          ],
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

  existing(): SimulatedRule[] {
    return this.rules.filter(({ arn }) => !this.gone.has(arn));
  }

  /** Who answers a request of a user at the double's time. */
  route(path: string): Routed {
    const { now } = this.time;
    const [rule] = this.rules
      .filter(
        ({ from, paths, until }) => from <= now && now < until && paths.some((one) => matches(one, path)),
      )
      .sort((one, other) => one.priority - other.priority);
    if (rule?.action.type !== "fixed-response") return "forward";
    const { body = "", contentType = "", status } = rule.action;
    return { status: Number(status), contentType, body };
  }

  /** A rule of somebody else. */
  addForeign(priority: number): void {
    this.add(priority, ["/old/*"], { type: "redirect" });
  }

  private add(priority: number, paths: string[], action: SimulatedRule["action"]): SimulatedRule {
    this.created += 1;
    const id = String(this.created).padStart(16, "0");
    const arn = `${LISTENER.replace(":listener/", ":listener-rule/")}/${id}`;
    const from = this.time.now + this.delay();
    const rule = { arn, listener: LISTENER, priority, paths, action, from, until: Infinity };
    this.rules.push(rule);
    return rule;
  }

  private describeListeners(balancer: string): Xml {
    if (balancer !== BALANCER)
      throw new AwsFault("LoadBalancerNotFound", "One or more load balancers not found");
    return {
      Listeners: [
        {
          ListenerArn: LISTENER.replace("443", "080"),
          Port: 80,
          Protocol: "HTTP",
          DefaultActions: [{ Type: "redirect" }],
        },
        {
          ListenerArn: LISTENER,
          Port: 443,
          Protocol: "HTTPS",
          DefaultActions: [{ Type: "forward", TargetGroupArn: TARGET_GROUP }],
        },
      ],
    };
  }

  private describeRules(form: URLSearchParams): Xml {
    if (form.get("ListenerArn") !== LISTENER)
      throw new AwsFault("ListenerNotFound", "One or more listeners not found");
    const rules = this.existing().map(({ action, arn, paths, priority }) => ({
      RuleArn: arn,
      Priority: String(priority),
      IsDefault: false,
      Conditions: [{ Field: "path-pattern", Values: paths, PathPatternConfig: { Values: paths } }],
      Actions: [{ Type: action.type, TargetGroupArn: action.targetGroup }],
    }));
    const last = {
      RuleArn: `${LISTENER}/default`,
      Priority: "default",
      IsDefault: true,
      Conditions: [],
      Actions: [],
    };
    return { Rules: [...rules, last] };
  }

  private create(form: URLSearchParams): Xml {
    const listener = form.get("ListenerArn") ?? "";
    if (listener !== LISTENER) throw new AwsFault("ListenerNotFound", `Listener '${listener}' not found`);
    const priority = Number(form.get("Priority"));
    if (!(priority >= 1 && priority <= 50_000)) {
      throw new AwsFault("ValidationError", "Priority must be between 1 and 50000");
    }
    if (this.existing().some((rule) => rule.priority === priority)) {
      throw new AwsFault("PriorityInUse", `Priority '${priority}' is currently in use`);
    }
    if (this.existing().length >= MOST_RULES)
      throw new AwsFault("TooManyRules", "The maximum number of rules");
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
    const { arn } = this.add(priority, paths, actionOf(action));
    return { Rules: [{ RuleArn: arn, Priority: String(priority) }] };
  }
}

/** @throws AwsFault for the responses that Elastic Load Balancing refuses */
function actionOf(action: URLSearchParams): SimulatedRule["action"] {
  const type = action.get("Type") ?? "";
  if (type === "forward") {
    const targetGroup = action.get("TargetGroupArn") ?? "";
    if (targetGroup !== TARGET_GROUP) throw new AwsFault("TargetGroupNotFound", `'${targetGroup}' not found`);
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
