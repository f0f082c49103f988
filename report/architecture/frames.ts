import { PreviewDocument, PreviewResource } from "../../graph/document";
import { Arrow, Box, Frame, Zone } from "./types";
import { text } from "./wording";

const ZONES: Record<Exclude<Zone, "outside">, string> = {
  edge: "Edge",
  public: "Public subnets",
  private: "Private subnets",
  services: "Data services",
  operations: "Operations",
};

/** Ids of the environments of one application, which deploy together, by application. */
export function pairsOf(environments: PreviewResource[]): Map<string, string[]> {
  const pairs = new Map<string, string[]>();
  for (const { urn, inputs } of environments) {
    const application = text(inputs.application);
    pairs.set(application, [...(pairs.get(application) ?? []), `environment ${urn}`]);
  }
  for (const [application, members] of pairs) if (members.length < 2) pairs.delete(application);
  return pairs;
}

/** The outermost frame of the drawing, with the areas and the network in it. */
export function framesOf(
  { project, stack, resources }: PreviewDocument,
  allBoxes: Box[],
  network: string[],
  pairs: Map<string, string[]>,
): Frame {
  const titleOf = (id: string) => allBoxes.find((box) => box.id === id)?.title ?? id;
  const inZone = (zone: Zone) => allBoxes.filter((box) => box.zone === zone).map(({ id }) => id);
  const zone = (name: Exclude<Zone, "outside">, frames: Frame[] = []): Frame[] => {
    const framed = new Set(frames.flatMap(({ boxes }) => boxes));
    const boxes = inZone(name).filter((id) => !framed.has(id));
    if (boxes.length + frames.length === 0) return [];
    return [{ id: `zone ${name}`, title: ZONES[name], kind: "zone", boxes, frames, accessories: [] }];
  };
  const vpc = resources.find(({ type }) => type === "aws:ec2/vpc:Vpc");
  const cidr = text(vpc?.inputs.cidrBlock);
  const networkFrame: Frame = {
    id: "network",
    title: vpc ? `Network ${cidr}` : "Existing network",
    kind: "network",
    boxes: [],
    frames: [
      ...zone("public"),
      ...zone(
        "private",
        [...pairs].map(([application, boxes]) => ({
          id: `pair ${application}`,
          title: `${boxes.map((id) => titleOf(id)).join(" and ")} (deployed together)`,
          kind: "pair",
          boxes,
          frames: [],
          accessories: [],
        })),
      ),
    ],
    accessories: network,
  };
  const owned = new Set([
    ...allBoxes.flatMap(({ urns, accessories }) => [...urns, ...accessories]),
    ...network,
  ]);
  const provider = resources.find(({ type }) => type === "pulumi:providers:aws");
  const region = text(provider?.inputs.region);
  return {
    id: "cloud",
    title: `${project}/${stack} on AWS${region === "" ? "" : `, ${region}`}`,
    kind: "cloud",
    boxes: [],
    frames: [
      ...zone("edge"),
      ...(networkFrame.frames.length + network.length > 0 ? [networkFrame] : []),
      ...zone("services"),
      ...zone("operations"),
    ],
    accessories: resources.map(({ urn }) => urn).filter((urn) => !owned.has(urn)),
  };
}

/** Joins the equal arrows of a pair's environments into one, and the two directions of a flow into one. */
export function mergeArrows(arrows: Arrow[], pairs: Map<string, string[]>): Arrow[] {
  let merged = arrows;
  for (const [application, members] of pairs) {
    for (const [near, far] of [
      ["from", "to"],
      ["to", "from"],
    ] as const) {
      const same = (one: Arrow, other: Arrow) => one[far] === other[far] && one.label === other.label;
      const ofAll = (arrow: Arrow) =>
        members.every((id) => merged.some((one) => one[near] === id && same(one, arrow)));
      const kept: Arrow[] = [];
      for (const arrow of merged) {
        const joined =
          members.includes(arrow[near]) && ofAll(arrow) ? { ...arrow, [near]: `pair ${application}` } : arrow;
        if (!kept.some((one) => one[near] === joined[near] && same(one, joined))) kept.push(joined);
      }
      merged = kept;
    }
  }
  const result: Arrow[] = [];
  for (const arrow of merged) {
    const back = result.find(
      ({ from, to, label }) => from === arrow.to && to === arrow.from && label === arrow.label,
    );
    if (back) back.both = true;
    else result.push({ ...arrow });
  }
  return result;
}
