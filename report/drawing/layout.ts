import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { allFrames, Architecture, Arrow, Frame } from "../architecture";
import { textWidth } from "./textWidth";

/** Lengths in pixels; coordinates from the upper left corner. */
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
  /** By id of the box or frame. */
  rectangles: Map<string, Rectangle>;
  /** In the order of the architecture's arrows. */
  routes: Route[];
}

export interface Route {
  /** Bézier curves: a start point, then three points for each. */
  curve: Point[];
  /** Tips of the arrowheads: at the end, and at the start if the arrow goes both ways. */
  end?: Point;
  start?: Point;
  label: Rectangle;
}

export const TITLE_SIZE = 14;
export const SUBTITLE_SIZE = 11;
export const LABEL_SIZE = 11;
export const FRAME_TITLE_SIZE = 12;

/** Space left of a box's text, for its icon, and right of it. */
export const TEXT_START = 48;
const TEXT_END = 14;
const BOX_HEIGHT = 58;
const WIDEST_TEXT = 230;

/** Length of an arrowhead. */
const HEAD = 10;

/**
 * The parts of the layout that each attempt asks Graphviz for. Graphviz fails on some drawings with arrows within a row.
 */
const ATTEMPTS = ["everything", "labels between rows", "arrows between rows", "boxes"] as const;

type Attempt = (typeof ATTEMPTS)[number];

/**
 * Places boxes and routes arrows with Graphviz. If the result overlaps, retries with fewer labels and arrows; arrows
 * left out become straight lines.
 *
 * @see https://graphviz.org/docs/layouts/dot/
 */
export async function layOut(architecture: Architecture): Promise<Layout> {
  const graphviz = await Graphviz.load();
  const graph = new Graph(architecture);
  let layout: Layout | undefined;
  for (const attempt of ATTEMPTS) {
    try {
      layout = graph.read(graphviz.layout(graph.dot(attempt), "json", "dot"));
      if (isSound(layout.rectangles, architecture.cloud)) break;
    } catch {
      // Graphviz failed: the next attempt asks for less.
    }
  }
  if (layout === undefined) throw new Error("Graphviz cannot place the boxes of this architecture.");
  const { rectangles, routes } = layout;
  for (const [index, { from, to, both }] of architecture.arrows.entries()) {
    const route = routes[index];
    const [start, end] = [rectangles.get(from), rectangles.get(to)];
    if (route?.curve.length === 0 && start && end)
      Object.assign(route, straight(start, end, both, route.label));
  }
  const titles = allFrames(architecture.cloud).map((frame) => titleOf(frame, rectangles));
  placeLabels(routes, [...architecture.boxes.map(({ id }) => rectangles.get(id)), ...titles]);
  return layout;
}

/** The fields of Graphviz's `json` output that this file reads. */
interface Answer {
  bb: string;
  objects?: { name: string; bb?: string; pos?: string; width?: string; height?: string }[];
  edges?: { id?: string; pos?: string; lp?: string }[];
}

/** The box at an end of an arrow. For a frame it is a box in the frame, and the arrow ends at the frame's border. */
interface Anchor {
  node: string;
  row: number;
  frame?: string;
}

/**
 * An architecture in Graphviz's language. It contains sizes and numbers but no texts, so names cannot inject Graphviz
 * syntax.
 */
class Graph {
  private readonly nodes: Map<string, string>;
  private readonly clusters: Map<string, { frame: Frame; name: string }>;
  private readonly labels: { width: number; height: number }[];

  constructor(private readonly architecture: Architecture) {
    const { boxes, cloud, arrows } = architecture;
    this.nodes = new Map(boxes.map(({ id }, index) => [id, `n${index}`]));
    this.clusters = new Map(
      allFrames(cloud).map((frame, index) => [frame.id, { frame, name: `cluster_${index}` }]),
    );
    this.labels = arrows.map(({ label }) => ({
      width: textWidth(label, LABEL_SIZE) + 10,
      height: LABEL_SIZE + 8,
    }));
  }

  dot(attempt: Attempt): string {
    const { boxes, cloud, arrows } = this.architecture;
    const rows = [...new Set(boxes.map(({ row }) => row))].sort((a, b) => a - b);
    return [
      "digraph {",
      "newrank=true; compound=true; rankdir=TB; nodesep=0.35; ranksep=0.5; labeljust=l; pad=0",
      'node [shape=box, fixedsize=true, label=""]',
      ...boxes.map(({ title, subtitle }, index) => {
        const text = Math.max(textWidth(title, TITLE_SIZE, true), textWidth(subtitle, SUBTITLE_SIZE));
        const width = TEXT_START + Math.min(WIDEST_TEXT, text) + TEXT_END;
        return `n${index} [width=${inches(width)}, height=${inches(BOX_HEIGHT)}]`;
      }),
      ...this.cluster(cloud),
      ...arrows.flatMap((arrow, index) => this.edge(arrow, index, attempt)),
      // A line of invisible points keeps the rows one below the other.
      ...rows.map((row) => `row${row} [style=invis, width=0.01, height=0.01]`),
      `${rows.map((row) => `row${row}`).join(" -> ")} [style=invis]`,
      ...rows.map((row) => {
        const side = boxes.flatMap(({ row: other }, index) => (other === row ? [`n${index}`] : []));
        return `{ rank=same; row${row}; ${side.join("; ")} }`;
      }),
      "}",
    ].join("\n");
  }

  private cluster(frame: Frame): string[] {
    const title = blank(textWidth(frame.title, FRAME_TITLE_SIZE, true) + 8, FRAME_TITLE_SIZE + 10);
    return [
      `subgraph ${this.clusters.get(frame.id)?.name ?? ""} {`,
      `margin=${frame.kind === "cloud" ? 18 : 14}; label=${title};`,
      ...frame.boxes.map((id) => `${this.nodes.get(id) ?? ""};`),
      ...frame.frames.flatMap((inner) => this.cluster(inner)),
      "}",
    ];
  }

  private edge({ from, to, both }: Arrow, index: number, attempt: Attempt): string[] {
    const [source, target] = [this.anchor(from), this.anchor(to)];
    if (source === undefined || target === undefined || attempt === "boxes") return [];
    const isFlat = source.row === target.row;
    if (isFlat && attempt === "arrows between rows") return [];
    // An arrow up is a line down with its head at the start: Graphviz breaks rows apart where lines go both ways.
    const [upper, lower, head] = this.isUp(index) ? [target, source, "back"] : [source, target, "forward"];
    const size = isFlat && attempt !== "everything" ? undefined : this.labels[index];
    const attributes = [
      `id=e${index}`,
      `dir=${both ? "both" : head}`,
      ...(size === undefined ? [] : [`label=${blank(size.width, size.height)}`]),
      ...(upper.frame === undefined ? [] : [`ltail=${upper.frame}`]),
      ...(lower.frame === undefined ? [] : [`lhead=${lower.frame}`]),
    ];
    return [`${upper.node} -> ${lower.node} [${attributes.join(", ")}]`];
  }

  private isUp(index: number): boolean {
    const { from = "", to = "" } = this.architecture.arrows[index] ?? {};
    return (this.anchor(from)?.row ?? 0) > (this.anchor(to)?.row ?? 0);
  }

  private anchor(id: string): Anchor | undefined {
    const { boxes } = this.architecture;
    const cluster = this.clusters.get(id);
    const box = cluster?.frame.boxes[0] ?? id;
    const node = this.nodes.get(box);
    const row = boxes.find((one) => one.id === box)?.row;
    if (node === undefined || row === undefined) return undefined;
    return { node, row, ...(cluster && { frame: cluster.name }) };
  }

  read(json: string): Layout {
    const { bb, objects = [], edges = [] } = JSON.parse(json) as Answer;
    const [left = 0, bottom = 0, right = 0, top = 0] = numbers(bb);
    const point = (x = 0, y = 0): Point => ({ x: x - left, y: top - y });
    const byName = new Map(objects.map((one) => [one.name, one]));
    const rectangles = new Map<string, Rectangle>();
    for (const [id, name] of this.nodes) {
      const { pos = "", width = "0", height = "0" } = byName.get(name) ?? {};
      rectangles.set(id, around(point(...numbers(pos)), Number(width) * INCH, Number(height) * INCH));
    }
    for (const [id, { name }] of this.clusters) {
      const [x1, y1, x2, y2] = numbers(byName.get(name)?.bb ?? "");
      const upper = point(x1, y2);
      const lower = point(x2, y1);
      rectangles.set(id, { ...upper, width: lower.x - upper.x, height: lower.y - upper.y });
    }
    const byId = new Map(edges.map((edge) => [edge.id, edge]));
    const routes = this.labels.map(({ width, height }, index): Route => {
      const { pos = "", lp } = byId.get(`e${index}`) ?? {};
      const route: Route = { curve: [], label: around(point(), width, height) };
      for (const part of pos.split(" ")) {
        const [x, y] = numbers(part.replace(/^[se],/, ""));
        if (part.startsWith("e,")) route.end = point(x, y);
        else if (part.startsWith("s,")) route.start = point(x, y);
        else if (part !== "") route.curve.push(point(x, y));
      }
      if (this.isUp(index)) {
        const { start, end } = route;
        Object.assign(route, { start: end, end: start });
        route.curve.reverse();
      }
      const middle = lp === undefined ? along(route.curve)[0] : point(...numbers(lp));
      if (middle !== undefined) route.label = around(middle, width, height);
      return route;
    });
    return { width: right - left, height: top - bottom, rectangles, routes };
  }
}

/** Points per inch in Graphviz; one point is drawn as one pixel. */
const INCH = 72;

const inches = (pixels: number) => (pixels / INCH).toFixed(3);

const numbers = (list: string) => list.split(",").map(Number);

/** Reserves room for a text. */
function blank(width: number, height: number): string {
  return `<<table border="0" cellborder="0" cellspacing="0" fixedsize="true" width="${Math.ceil(width)}" height="${Math.ceil(height)}"><tr><td></td></tr></table>>`;
}

const around = ({ x, y }: Point, width: number, height: number): Rectangle => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
});

/** True if all boxes and frames in a frame are inside it, without overlaps. */
function isSound(rectangles: Layout["rectangles"], frame: Frame): boolean {
  const outer = rectangles.get(frame.id);
  const inner = [...frame.boxes, ...frame.frames.map(({ id }) => id)].map((id) => rectangles.get(id));
  return (
    outer !== undefined &&
    inner.every((one) => one !== undefined && overlap(one, outer) > one.width * one.height - 1) &&
    inner.every((one, index) =>
      inner.slice(index + 1).every((other) => one && other && overlap(one, other) === 0),
    ) &&
    frame.frames.every((one) => isSound(rectangles, one))
  );
}

/** A line from one rectangle to another, from side to side. */
function straight(from: Rectangle, to: Rectangle, both: boolean, label: Rectangle): Route {
  const center = ({ x, y, width, height }: Rectangle) => ({ x: x + width / 2, y: y + height / 2 });
  const [a, b] = [center(from), center(to)];
  const border = (inside: Rectangle, near: Point, far: Point): Point => {
    const [dx, dy] = [far.x - near.x, far.y - near.y];
    const reach = Math.min(
      dx === 0 ? Infinity : inside.width / 2 / Math.abs(dx),
      dy === 0 ? Infinity : inside.height / 2 / Math.abs(dy),
      1,
    );
    return { x: near.x + dx * reach, y: near.y + dy * reach };
  };
  const [start, end] = [border(from, a, b), border(to, b, a)];
  const long = Math.hypot(end.x - start.x, end.y - start.y) || 1;
  const at = (t: number): Point => ({
    x: start.x + (end.x - start.x) * t,
    y: start.y + (end.y - start.y) * t,
  });
  const head = Math.min(0.4, HEAD / long);
  const [first, last] = [both ? head : 0, 1 - head];
  const third = (last - first) / 3;
  return {
    curve: [at(first), at(first + third), at(last - third), at(last)],
    end,
    ...(both && { start }),
    label: around(at(0.5), label.width, label.height),
  };
}

/** The place of a frame's title. */
function titleOf({ id, title }: Frame, rectangles: Map<string, Rectangle>): Rectangle | undefined {
  const outline = rectangles.get(id);
  const width = textWidth(title, FRAME_TITLE_SIZE, true) + 16;
  return outline && { x: outline.x + 6, y: outline.y, width, height: FRAME_TITLE_SIZE + 14 };
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
      [0, 1, -1, 2.2, -2.2].map((lines) => around({ x, y: y + lines * height }, width, height)),
    );
    const covered = (place: Rectangle) => taken.reduce((sum, other) => sum + overlap(place, other), 0);
    const places = [route.label, ...beside].map((place) => ({ place, cost: covered(place) }));
    const best = places.reduce((least, one) => (one.cost < least.cost ? one : least));
    route.label = best.place;
    taken.push(best.place);
  }
}

/** Points of a curve, the middle first. */
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

/** The common area of two rectangles. */
function overlap(one: Rectangle, other: Rectangle): number {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return width > 0 && height > 0 ? width * height : 0;
}
