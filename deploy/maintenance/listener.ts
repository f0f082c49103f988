import { DescribeEnvironmentsCommand } from "@aws-sdk/client-elastic-beanstalk";
import {
  type Action,
  CreateRuleCommand,
  DeleteRuleCommand,
  DescribeListenersCommand,
  DescribeRulesCommand,
  type LoadBalancer,
  paginateDescribeLoadBalancers,
  type Rule,
  type RuleCondition,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { errorName } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";
import { HEALTH_PATH } from "../../database/health";
import { type Pair } from "../pair/find";
import { type LockedSession, type Session } from "../session";
import { PAGE } from "./page";

/** A listener of a load balancer. */
export interface Listener {
  arn: string;
  /** The target group of the web instances; undefined if the listener forwards to none, or to several. */
  targetGroup?: string;
}

const HTTPS = 443;

/** A rule of the deploy tool. */
interface OwnRule {
  Priority: number;
  path: string;
  Conditions: RuleCondition[];
  Actions: Action[];
}

/**
 * The rules that close the site, in the order of evaluation. The load balancer asks the instances for their health
 * without any rule. The first rule lets the deploy tool ask Iaso whether it works with its database.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
 */
function ownRules({ targetGroup }: Listener): OwnRule[] {
  const rule = (Priority: number, path: string, Actions: OwnRule["Actions"]): OwnRule => ({
    Priority,
    path,
    Actions,
    Conditions: [{ Field: "path-pattern", PathPatternConfig: { Values: [path] } }],
  });
  return [
    ...(targetGroup === undefined
      ? []
      : [rule(1, HEALTH_PATH, [{ Type: "forward", TargetGroupArn: targetGroup }])]),
    rule(2, "/*", [
      {
        Type: "fixed-response",
        FixedResponseConfig: { StatusCode: "503", ContentType: "text/html", MessageBody: PAGE },
      },
    ]),
  ];
}

/**
 * Finds the listener that serves the users of the web environment.
 *
 * @throws UserError if the environment has no load balancer of its own, or the listener forwards to no target group
 */
export async function findListener({ clients, env }: Session, { web }: Pair): Promise<Listener> {
  const remedy = `Update the environment: pulumi up --stack ${env}`;
  const { Environments } = await clients.beanstalk.send(
    new DescribeEnvironmentsCommand({ EnvironmentIds: [web.id], IncludeDeleted: false }),
  );
  const listeners = await listListeners(clients, Environments?.[0]?.EndpointURL);
  if (listeners === undefined)
    throw new UserError(`The environment ${web.name} has no load balancer.`, remedy);
  const { arn, targetGroup } = listeners.find(({ port }) => port === HTTPS) ?? {};
  if (arn === undefined || targetGroup === undefined) {
    throw new UserError(
      `The load balancer of ${web.name} forwards port ${HTTPS} to no target group.`,
      remedy,
    );
  }
  return { arn, targetGroup };
}

/**
 * The listeners of an application load balancer; undefined if none has the DNS name, such as a classic or network one.
 *
 * @param address the address of an environment with a load balancer: the balancer's DNS name
 */
export async function listListeners(
  { loadBalancing: client }: Session["clients"],
  address = "",
): Promise<(Listener & { port: number })[] | undefined> {
  const balancers: LoadBalancer[] = [];
  for await (const page of paginateDescribeLoadBalancers({ client }, {})) {
    balancers.push(...(page.LoadBalancers ?? []));
  }
  const balancer = balancers.find(
    // The rules of a network load balancer know no paths.
    ({ DNSName, Type }) =>
      Type === "application" && address !== "" && DNSName?.toLowerCase() === address.toLowerCase(),
  );
  if (balancer === undefined) return undefined;
  const { Listeners = [] } = await client.send(
    new DescribeListenersCommand({ LoadBalancerArn: balancer.LoadBalancerArn }),
  );
  return Listeners.map(({ DefaultActions, ListenerArn = "", Port = 0 }) => ({
    arn: ListenerArn,
    port: Port,
    targetGroup: DefaultActions?.[0]?.TargetGroupArn,
  }));
}

async function describeRules({ clients }: Session, { arn }: Listener): Promise<Rule[]> {
  const rules: Rule[] = [];
  let marker: string | undefined;
  do {
    const page = await clients.loadBalancing.send(
      new DescribeRulesCommand({ ListenerArn: arn, Marker: marker }),
    );
    rules.push(...(page.Rules ?? []));
    marker = page.NextMarker;
  } while (marker !== undefined);
  return rules;
}

function isSame(rule: Rule, own: OwnRule): boolean {
  const paths = (rule.Conditions ?? []).flatMap(
    ({ PathPatternConfig, Values }) => PathPatternConfig?.Values ?? Values ?? [],
  );
  return (
    rule.Priority === String(own.Priority) &&
    rule.Actions?.[0]?.Type === own.Actions[0]?.Type &&
    paths.join() === own.path
  );
}

/**
 * Checks that no rule of somebody else precedes those that close the site.
 *
 * @param isOwn false if this tool cannot have created any rule yet
 * @throws UserError if one does: its requests would go on during the maintenance
 */
export async function requireFreePriorities(
  session: Session,
  listener: Listener,
  isOwn = true,
): Promise<void> {
  const own = ownRules(listener);
  const last = Math.max(...own.map(({ Priority }) => Priority));
  const foreign = (await describeRules(session, listener)).find(
    (rule) => Number(rule.Priority) <= last && !(isOwn && own.some((one) => isSame(rule, one))),
  );
  if (foreign === undefined) return;
  throw new UserError(
    `The rule ${foreign.RuleArn ?? ""} of the load balancer has the priority ${foreign.Priority ?? ""}, which the maintenance page needs.`,
    `aws elbv2 set-rule-priorities --rule-priorities RuleArn=${foreign.RuleArn ?? ""},Priority=100`,
  );
}

/** True if all requests of users get the maintenance page. */
export async function isSiteClosed(session: Session, listener: Listener): Promise<boolean> {
  const rules = await describeRules(session, listener);
  return ownRules(listener).every((own) => rules.some((rule) => isSame(rule, own)));
}

/** Creates the rules that are missing. */
export async function closeSite(session: LockedSession, listener: Listener): Promise<void> {
  const existing = await describeRules(session, listener);
  for (const own of ownRules(listener)) {
    if (existing.some((rule) => isSame(rule, own))) continue;
    const { Actions, Conditions, Priority } = own;
    await session.lock.renew();
    try {
      await session.clients.loadBalancing.send(
        new CreateRuleCommand({ ListenerArn: listener.arn, Actions, Conditions, Priority }),
      );
    } catch (error) {
      // If the answer to a request was lost, the SDK's retry finds the rule that the request created.
      const mayBeOwn = errorName(error).startsWith("PriorityInUse");
      if (!mayBeOwn || !(await describeRules(session, listener)).some((rule) => isSame(rule, own)))
        throw error;
    }
  }
}

/** Deletes the rules of the deploy tool, that of the maintenance page first. Returns false if there was none. */
export async function openSite(session: LockedSession, listener: Listener): Promise<boolean> {
  const own = ownRules(listener);
  const existing = (await describeRules(session, listener)).filter((rule) =>
    own.some((one) => isSame(rule, one)),
  );
  for (const { RuleArn } of existing.sort((one, other) => Number(other.Priority) - Number(one.Priority))) {
    await session.lock.renew();
    try {
      await session.clients.loadBalancing.send(new DeleteRuleCommand({ RuleArn }));
    } catch (error) {
      if (!errorName(error).startsWith("RuleNotFound")) throw error;
    }
  }
  return existing.length > 0;
}
