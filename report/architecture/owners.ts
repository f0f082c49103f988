import { PreviewResource } from "../../graph/document";
import { count } from "../wording";
import { Box, ROWS } from "./types";
import { words } from "./wording";

/**
 * Gives each resource without a box to the nearest box in the tree of components, and adds a box for each part that
 * has none.
 *
 * @returns URNs of the network's resources, which belong to the network's frame
 */
export function assignResources(resources: PreviewResource[], boxes: Box[]): string[] {
  const byUrn = new Map(resources.map((one) => [one.urn, one]));
  const lineage = new Map<string, string[]>();
  const above = (urn: string): string[] => {
    const known = lineage.get(urn);
    if (known !== undefined) return known;
    lineage.set(urn, []);
    const parent = byUrn.get(urn)?.parent ?? "";
    const path = parent === "" ? [] : [parent, ...above(parent)];
    lineage.set(urn, path);
    return path;
  };
  const part = (urn: string) => [urn, ...above(urn)].at(-2) ?? urn;
  const isNetwork = ({ type }: PreviewResource) => /^aws:(ec2|vpc)\//.test(type);
  const owners = boxes.flatMap((box) =>
    box.urns.map((urn) => ({ box, urn, name: byUrn.get(urn)?.name ?? "", path: above(urn) })),
  );
  const taken = new Set(owners.map(({ urn }) => urn));
  const networkParts = new Set(resources.filter(isNetwork).map(({ urn }) => part(urn)));
  const network: string[] = [];
  const rest = new Map<string, PreviewResource[]>();
  for (const resource of resources) {
    const { urn, type } = resource;
    if (taken.has(urn)) continue;
    const path = [urn, ...above(urn)];
    if (isNetwork(resource) || networkParts.has(part(urn))) {
      network.push(urn);
      continue;
    }
    let best: { box: Box; score: number } | undefined;
    for (const owner of owners) {
      // All resources share the stack: it does not count.
      const shared = path.filter((one) => one === owner.urn || owner.path.includes(one)).length - 1;
      if (shared <= 0) continue;
      const linked = Object.values(resource.propertyDependencies).flat().includes(owner.urn);
      const named = resource.name === owner.name || resource.name.startsWith(`${owner.name}-`);
      // Of several boxes in one part, the one with the part's name is the main one.
      const leads = owner.name === byUrn.get(path.at(-2) ?? "")?.name;
      const score = shared + (linked ? 0.5 : 0) + (named ? 0.3 : 0) + (leads ? 0.1 : 0);
      if (score > (best?.score ?? 0)) best = { box: owner.box, score };
    }
    if (best) best.box.accessories.push(urn);
    else if (type !== "pulumi:pulumi:Stack" && !type.startsWith("pulumi:providers:")) {
      rest.set(part(urn), [...(rest.get(part(urn)) ?? []), resource]);
    }
  }
  for (const [urn, members] of rest) {
    const owned = members.filter(({ custom }) => custom);
    const name = byUrn.get(urn)?.name ?? urn;
    // A component without resources has nothing to draw; it belongs to the outermost frame.
    if (owned.length > 0) {
      const icon = owned.every(({ type }) => type.startsWith("aws:iam/")) ? "badge" : "box";
      const row = emptiestRow(boxes);
      boxes.push({
        id: `part ${urn}`,
        title: words(name),
        subtitle: count(owned.length, "resource"),
        icon,
        zone: "operations",
        row,
        urns: members.map((member) => member.urn),
        accessories: [],
      });
    }
  }
  return network;
}

/** The row of operations with the fewest boxes. */
function emptiestRow(boxes: Box[]): number {
  const many = (row: number) => boxes.filter((box) => box.zone === "operations" && box.row === row).length;
  const rows = [ROWS.access, ROWS.images];
  return rows.reduce((best, row) => (many(row) < many(best) ? row : best));
}
