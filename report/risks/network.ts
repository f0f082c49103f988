import { PreviewResource } from "../../graph/document";
import { isCovered, isInternet, NetworkRule } from "./networkRules";
import { isAbsent, own } from "../values";
import { ResourceChange, Risk, RiskContext } from "./types";
import { label, risk } from "./wording";

/** Traffic that a security group lets through and did not before. */
export function openedNetwork({ after }: ResourceChange, context: RiskContext): Risk[] {
  if (after === undefined) return [];
  const earlier = [...context.rulesBefore.values()].flat();
  return (context.rulesAfter.get(after.urn) ?? [])
    .filter((rule) => !earlier.some((other) => isCovered(rule, other)))
    .flatMap((rule) =>
      risk(
        "access",
        `${label(after)} newly allows that ${reach(rule, context)}`,
        isInternet(rule.peer) && rule.direction === "in",
      ),
    );
}

function reach(
  { group, direction, protocol, fromPort, toPort, peer }: NetworkRule,
  context: RiskContext,
): string {
  const groupName = (urn: string) => context.after.get(urn)?.name;
  const members = `members of ${groupName(group) ?? group}`;
  const who = isInternet(peer) ? `anyone on the internet (${peer})` : (groupName(peer) ?? peer);
  const all = protocol === "-1";
  const ports = fromPort === toPort ? `port ${fromPort}` : `ports ${fromPort} to ${toPort}`;
  const where = all ? "all ports" : `${protocol} ${ports}`;
  return direction === "in"
    ? `${who} can reach ${members} on ${where}`
    : `${members} can reach ${isInternet(peer) ? `any address (${peer})` : who} on ${where}`;
}

const ROUTE = "aws:ec2/route:Route";
const ROUTE_TABLE_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation";

/** Subnets that become public: their routes lead to an internet gateway. */
export function openedRoute({ before, after }: ResourceChange, context: RiskContext): Risk[] {
  if (after?.type === ROUTE) {
    const leads = (route: PreviewResource | undefined) =>
      route !== undefined && !isAbsent(own(route.inputs, "gatewayId"));
    if (!leads(after) || leads(before)) return [];
    return risk(
      "access",
      `${label(after)} leads to an internet gateway: the subnets of its route table become public`,
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
  if (!isPublic(after, context.after) || isPublic(before, context.before)) return [];
  return risk(
    "access",
    `${label(after)} makes its subnet public: the route table leads to an internet gateway`,
  );
}
