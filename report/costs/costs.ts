import { PreviewDocument, PreviewResource } from "../../graph/document";
import { BY_USE, Charge, chargesOf, pricesOf, textOf, Unit, withoutPrices } from "./charges";
import table from "./prices.json";
import { own } from "../values";

/** A month of AWS's pricing calculator. */
const HOURS_IN_A_MONTH = 730;

/** A charge that is billed by time. */
export interface CostLine {
  /** Such as `2 × t3.large for web, minimum of autoscaling`. */
  what: string;
  quantity: number;
  unit: Unit;
  /** US dollars for a quantity of one and one unit. */
  unitPrice: number;
  /** US dollars a month, not rounded. */
  monthly: number;
  urns: string[];
}

/** The costs of one part of the platform: a component directly below the stack with everything in it. */
export interface PartCosts {
  urn: string;
  type: string;
  name: string;
  /** US dollars, not rounded. */
  monthly: number;
  /** The most expensive first. */
  lines: CostLine[];
}

/** The minimum costs of a stack at list prices, without usage. */
export interface Costs {
  currency: "USD";
  /** AWS region; empty if unknown. */
  region: string;
  /** Date of the price list. */
  date: string;
  /** Description of the source of the prices. */
  source: string;
  /** The most expensive first; empty if the region has no prices. */
  parts: PartCosts[];
  /** US dollars, not rounded. */
  monthly: number;
  /** Resources of this stack that are not in the sum: those without a price first, then those billed by use. */
  notCounted: string[];
  /** The number of entries of `notCounted` that have no price. */
  unpriced: number;
  /** Costs that no sum of this kind includes. */
  leavesOut: string[];
}

export interface PartDifference {
  urn: string;
  type: string;
  name: string;
  before: number;
  after: number;
  /** US dollars; negative if the part gets cheaper. */
  monthly: number;
}

export interface CostDifference {
  /** The parts whose costs change, the largest change first. */
  parts: PartDifference[];
  /** US dollars; negative if the stack gets cheaper. */
  monthly: number;
  /** Costs that are not counted on one side only, so that the difference is incomplete. */
  notCounted: string[];
}

const LEAVES_OUT = [
  "traffic: out to the internet, between zones, through NAT gateways and load balancers (LCU)",
  "instances above the minimum of autoscaling, including those of a deployment",
  "storage that grows automatically, backups beyond the free ones, snapshots of machine images",
  "CPU credits of burstable instances above their baseline",
  "metrics and alarms that AWS services create themselves",
  "the hosted zone and everything else that exists without this stack",
  "free tiers, reservations, savings plans, support and taxes",
];

/**
 * The monthly costs of a stack at list prices, by part, for everything that is billed by time. Types, instance types
 * and engines without a price, and unknown values, are left out of the sum and listed in `notCounted`. Never throws.
 */
export function costsOf(document: PreviewDocument): Costs {
  const { currency, date, source } = table as { currency: "USD"; date: string; source: string };
  const region = regionOf(document);
  const empty = { currency, region, date, source, parts: [], monthly: 0, leavesOut: LEAVES_OUT };
  if (region === "") return { ...empty, unpriced: 1, notCounted: ["no region known, so no prices"] };
  if (pricesOf(region) === undefined) return { ...empty, unpriced: 1, notCounted: [withoutPrices(region)] };

  const byUrn = new Map(document.resources.map((resource) => [resource.urn, resource]));
  const parts = new Map<string, { part: PreviewResource; lines: Map<string, CostLine> }>();
  const unpriced = new Set<string>();
  const byUse = new Map<string, number>();
  for (const resource of document.resources) {
    const use = own(BY_USE, resource.type);
    if (use !== undefined) byUse.set(use, (byUse.get(use) ?? 0) + 1);
    for (const charge of chargesOf(resource, region)) {
      if (typeof charge === "string") {
        unpriced.add(charge);
        continue;
      }
      const part = partOf(resource, byUrn);
      const entry = parts.get(part.urn) ?? { part, lines: new Map<string, CostLine>() };
      parts.set(part.urn, entry);
      addTo(entry.lines, charge, resource.urn);
    }
  }
  const costs = [...parts.values()].map(({ part: { urn, type, name }, lines }) => {
    const sorted = [...lines.values()].sort((a, b) => b.monthly - a.monthly);
    return { urn, type, name, monthly: sum(sorted), lines: sorted };
  });
  costs.sort((a, b) => b.monthly - a.monthly);
  const used = [...byUse].map(([use, count]) => `${count} × ${use} (billed by use)`);
  return {
    ...empty,
    parts: costs,
    monthly: sum(costs),
    notCounted: [...unpriced, ...used],
    unpriced: unpriced.size,
  };
}

/** The difference between the costs of two states; a part is the same if its type and name are. */
export function difference(before: Costs, after: Costs): CostDifference {
  const key = ({ type, name }: PartCosts): string => `${type} ${name}`;
  const earlier = new Map(before.parts.map((part) => [key(part), part]));
  const later = new Map(after.parts.map((part) => [key(part), part]));
  const parts = [...new Map([...earlier, ...later])].map(([same, { urn, type, name }]) => {
    const [from, to] = [earlier.get(same)?.monthly ?? 0, later.get(same)?.monthly ?? 0];
    return { urn, type, name, before: from, after: to, monthly: to - from };
  });
  const only = (one: Costs, other: Costs, when: string): string[] =>
    one.notCounted.flatMap((words) => (other.notCounted.includes(words) ? [] : [`${when}: ${words}`]));
  return {
    parts: parts
      .filter(({ monthly }) => monthly !== 0)
      .sort((a, b) => Math.abs(b.monthly) - Math.abs(a.monthly)),
    monthly: after.monthly - before.monthly,
    notCounted: [...only(before, after, "before"), ...only(after, before, "after")],
  };
}

/** The region of the provider; if providers differ or there is none, the region of most ARNs. */
function regionOf({ resources }: PreviewDocument): string {
  const providers = new Set(
    resources.flatMap(({ type, inputs }) =>
      type === "pulumi:providers:aws" ? [textOf(inputs.region) ?? ""] : [],
    ),
  );
  const [only = ""] = providers;
  if (providers.size === 1 && only !== "") return only;
  const counts = new Map<string, number>();
  for (const { outputs } of resources) {
    const region = /^arn:[\w-]+:[^:]*:([a-z]{2}(?:-[a-z]+)+-\d):/.exec(textOf(outputs.arn) ?? "")?.[1];
    if (region !== undefined) counts.set(region, (counts.get(region) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "";
}

/** The ancestor of a resource directly below the stack. */
function partOf(resource: PreviewResource, byUrn: Map<string, PreviewResource>): PreviewResource {
  const seen = new Set<string>();
  let part = resource;
  for (;;) {
    seen.add(part.urn);
    const parent = byUrn.get(part.parent);
    if (parent === undefined || parent.type === "pulumi:pulumi:Stack" || seen.has(parent.urn)) return part;
    part = parent;
  }
}

/** Adds a charge to the line with the same label and price. */
function addTo(
  lines: Map<string, CostLine>,
  { label, unit, quantity, unitPrice }: Charge,
  urn: string,
): void {
  const key = `${label} ${unitPrice}`;
  const line = lines.get(key) ?? { what: "", quantity: 0, unit, unitPrice, monthly: 0, urns: [] };
  line.quantity += quantity;
  line.what = unit === "GB and month" ? `${line.quantity} GB of ${label}` : `${line.quantity} × ${label}`;
  line.monthly = line.quantity * unitPrice * (unit === "hour" ? HOURS_IN_A_MONTH : 1);
  line.urns.push(urn);
  lines.set(key, line);
}

function sum(costs: { monthly: number }[]): number {
  return costs.reduce((total, { monthly }) => total + monthly, 0);
}
