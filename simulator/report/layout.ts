import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { Architecture, Frame } from "./architecture";
import { textWidth } from "./textWidth";

/** Lengths are in pixels; places count from the upper left corner. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  /** By the ids of boxes and frames. */
  rectangles: Map<string, Rectangle>;
  /** In the order of the architecture's arrows. */
  routes: Route[];
}

export interface Route {
  /** A start and then three points for each piece of a Bézier curve. */
  curve: Point[];
  /** Tips of the arrowheads: at the end, and at the start of an arrow both ways. */
  end?: Point;
  start?: Point;
  label: Rectangle;
}

export const TITLE_SIZE = 14;
export const SUBTITLE_SIZE = 11;
export const LABEL_SIZE = 11;
export const FRAME_TITLE_SIZE = 12;

/** Left of a box's text, where its icon is, and right of it. */
export const TEXT_START = 48;
const TEXT_END = 14;
const BOX_HEIGHT = 58;
const WIDEST_TEXT = 230;

/** Graphviz counts points, of which there are 72 in an inch; one of them is drawn as one pixel. */
const inches = (pixels: number) => (pixels / 72).toFixed(3);

/** What Graphviz answers in its format `json`, as far as it is read here. */
interface Answer {
  bb: string;
  objects?: { name: string; bb?: string; pos?: string; width?: string; height?: string }[];
  edges?: { id?: string; pos?: string; lp?: string }[];
}

/**
 * Places boxes and routes arrows with Graphviz. Its input holds sizes and numbers only, none of the texts, so that no
 * name can be taken for its language.
 *
 * @see https://graphviz.org/docs/layouts/dot/
 */
export async function layOut(architecture: Architecture): Promise<Layout> {
  const { boxes, cloud, arrows } = architecture;
  const frames = allFrames(cloud);
  const frameById = new Map(frames.map((frame, index) => [frame.id, { frame, name: `cluster_${index}` }]));
  const nodes = new Map(boxes.map(({ id }, index) => [id, `n${index}`]));
  const labels = arrows.map(({ label }) => ({
    width: textWidth(label, LABEL_SIZE) + 10,
    height: LABEL_SIZE + 8,
  }));

  const rows = [...new Set(boxes.map(({ row }) => row))].sort((a, b) => a - b);
  const lines = [
    "digraph {",
    "newrank=true; compound=true; rankdir=TB; nodesep=0.35; ranksep=0.5; labeljust=l; pad=0",
    'node [shape=box, fixedsize=true, label=""]',
    ...boxes.map(({ title, subtitle }, index) => {
      const text = Math.max(textWidth(title, TITLE_SIZE, true), textWidth(subtitle, SUBTITLE_SIZE));
      const width = TEXT_START + Math.min(WIDEST_TEXT, text) + TEXT_END;
      return `n${index} [width=${inches(width)}, height=${inches(BOX_HEIGHT)}]`;
    }),
    ...cluster(cloud),
    ...arrows.flatMap(({ from, to, both }, index) => {
      const [source, target] = [anchor(from), anchor(to)];
      if (source === undefined || target === undefined) return [];
      // An arrow up is a line down with its head at the start: Graphviz breaks rows apart where lines go both ways.
      const [upper, lower, head] =
        source.row > target.row ? [target, source, "back"] : [source, target, "forward"];
      const size = labels[index];
      const attributes = [
        `id=e${index}`,
        `label=${size === undefined ? '""' : blank(size.width, size.height)}`,
        `dir=${both ? "both" : head}`,
        ...(upper.frame === undefined ? [] : [`ltail=${upper.frame}`]),
        ...(lower.frame === undefined ? [] : [`lhead=${lower.frame}`]),
      ];
      return [`${upper.node} -> ${lower.node} [${attributes.join(", ")}]`];
    }),
    // A line of invisible points keeps the rows one below the other.
    ...rows.map((row) => `row${row} [style=invis, width=0.01, height=0.01]`),
    `${rows.map((row) => `row${row}`).join(" -> ")} [style=invis]`,
    ...rows.map((row) => {
      const side = boxes.flatMap(({ row: other }, index) => (other === row ? [`n${index}`] : []));
      return `{ rank=same; row${row}; ${side.join("; ")} }`;
    }),
    "}",
  ];

  /** Reserves room for a text. */
  function blank(width: number, height: number): string {
    return `<<table border="0" cellborder="0" cellspacing="0" fixedsize="true" width="${Math.ceil(width)}" height="${Math.ceil(height)}"><tr><td></td></tr></table>>`;
  }

  function cluster(frame: Frame): string[] {
    const known = frameById.get(frame.id);
    if (known === undefined) return [];
    const title = blank(textWidth(frame.title, FRAME_TITLE_SIZE, true) + 8, FRAME_TITLE_SIZE + 10);
    return [
      `subgraph ${known.name} {`,
      `margin=${frame.kind === "cloud" ? 18 : 14}; label=${title};`,
      ...frame.boxes.map((id) => `${nodes.get(id) ?? ""};`),
      ...frame.frames.flatMap(cluster),
      "}",
    ];
  }

  /** Where an arrow is tied: at a box, or at a box of a frame and cut off at the frame. */
  function anchor(id: string): { node: string; row: number; frame?: string } | undefined {
    const known = frameById.get(id);
    const index = boxes.findIndex((box) => box.id === (known?.frame.boxes[0] ?? id));
    const row = boxes[index]?.row;
    return row === undefined ? undefined : { node: `n${index}`, row, ...(known && { frame: known.name }) };
  }

  const graphviz = await Graphviz.load();
  if (process.env.DOT) console.error(lines.join("\n"));
  const answer = JSON.parse(graphviz.layout(lines.join("\n"), "json", "dot")) as Answer;
  return read(answer);

  function read({ bb, objects = [], edges = [] }: Answer): Layout {
    const [left = 0, bottom = 0, right = 0, top = 0] = numbers(bb);
    const point = (x = 0, y = 0): Point => ({ x: x - left, y: top - y });
    const byName = new Map(objects.map((one) => [one.name, one]));
    const rectangles = new Map<string, Rectangle>();
    for (const [id, name] of nodes) {
      const { pos = "", width = "0", height = "0" } = byName.get(name) ?? {};
      rectangles.set(id, around(point(...numbers(pos)), Number(width) * 72, Number(height) * 72));
    }
    for (const [id, { name }] of frameById) {
      const [x1, y1, x2, y2] = numbers(byName.get(name)?.bb ?? "");
      const upper = point(x1, y2);
      const lower = point(x2, y1);
      rectangles.set(id, { ...upper, width: lower.x - upper.x, height: lower.y - upper.y });
    }
    const byId = new Map(edges.map((edge) => [edge.id, edge]));
    const routes = labels.map(({ width, height }, index): Route => {
      const { pos = "", lp = "" } = byId.get(`e${index}`) ?? {};
      const route: Route = { curve: [], label: around(point(...numbers(lp)), width, height) };
      for (const part of pos.split(" ")) {
        const [x, y] = numbers(part.replace(/^[se],/, ""));
        if (part.startsWith("e,")) route.end = point(x, y);
        else if (part.startsWith("s,")) route.start = point(x, y);
        else if (part !== "") route.curve.push(point(x, y));
      }
      return route;
    });
    placeLabels(routes, [...boxes.map(({ id }) => rectangles.get(id)), ...frames.map(titleOf)]);
    return { width: right - left, height: top - bottom, rectangles, routes };

    /** Where a frame's title is drawn. */
    function titleOf({ id, title }: Frame): Rectangle | undefined {
      const outline = rectangles.get(id);
      const width = textWidth(title, FRAME_TITLE_SIZE, true) + 16;
      return outline && { x: outline.x + 6, y: outline.y, width, height: FRAME_TITLE_SIZE + 14 };
    }
  }
}

/**
 * Moves labels that would cover something to another place on or beside their arrow: Graphviz keeps room for each label,
 * but not for those of arrows between boxes of one row.
 */
function placeLabels(routes: Route[], obstacles: (Rectangle | undefined)[]): void {
  const taken = obstacles.filter((one) => one !== undefined);
  for (const route of routes) {
    const { width, height } = route.label;
    const beside = along(route.curve).flatMap(({ x, y }) =>
      [0, height, -height].map((up) => around({ x, y: y + up }, width, height)),
    );
    const covered = (place: Rectangle) => taken.reduce((sum, other) => sum + overlap(place, other), 0);
    const places = [route.label, ...beside].map((place) => ({ place, cost: covered(place) }));
    const best = places.reduce((least, one) => (one.cost < least.cost ? one : least));
    route.label = best.place;
    taken.push(best.place);
  }
}

/** Points of a curve, those in its middle first. */
function along(curve: Point[]): Point[] {
  const points: Point[] = [];
  for (let start = 0; start + 3 < curve.length; start += 3) {
    const [a, b, c, d] = curve.slice(start, start + 4) as [Point, Point, Point, Point];
    for (const t of [0, 0.2, 0.4, 0.6, 0.8]) {
      const mix = (axis: "x" | "y") =>
        (1 - t) ** 3 * a[axis] +
        3 * (1 - t) ** 2 * t * b[axis] +
        3 * (1 - t) * t ** 2 * c[axis] +
        t ** 3 * d[axis];
      points.push({ x: mix("x"), y: mix("y") });
    }
  }
  const middle = (points.length - 1) / 2;
  return points
    .map((point, index) => ({ point, distance: Math.abs(index - middle) }))
    .sort((one, other) => one.distance - other.distance)
    .map(({ point }) => point);
}

/** The area that two rectangles share. */
function overlap(one: Rectangle, other: Rectangle): number {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return width > 0 && height > 0 ? width * height : 0;
}

export function allFrames(frame: Frame): Frame[] {
  return [frame, ...frame.frames.flatMap(allFrames)];
}

const numbers = (list: string) => list.split(",").map(Number);

const around = ({ x, y }: Point, width: number, height: number): Rectangle => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
});
