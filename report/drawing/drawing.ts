import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allFrames, Architecture, Box, Frame } from "../architecture";
import { inColours } from "./colours";
import { html, Html, raw } from "../html";
import { ICONS } from "./icons";
import {
  FRAME_TITLE_SIZE,
  LABEL_SIZE,
  layOut,
  Layout,
  Point,
  Rectangle,
  Route,
  SUBTITLE_SIZE,
  TEXT_START,
  TITLE_SIZE,
} from "./layout";
import { BoxChange } from "./boxChanges";
import { fitted, textWidth } from "./textWidth";
import { SIGNS } from "../wording";

const MARGIN = 16;

const round = (value: number) => Math.round(value * 10) / 10;
const place = ({ x, y }: Point) => `${round(x)},${round(y)}`;
const rectangle = ({ x, y, width, height }: Rectangle) =>
  html`x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;

/**
 * Draws an architecture as SVG. The page's CSS or the file's own style supplies the colours. In a page, boxes and
 * frames are buttons that open their details. In a file, the drawing is one picture with a description.
 */
export async function draw(
  architecture: Architecture,
  changes: ReadonlyMap<string, BoxChange> = new Map(),
  interactive = false,
): Promise<Html> {
  const layout = await layOut(architecture);
  const width = Math.ceil(layout.width + 2 * MARGIN);
  const height = Math.ceil(layout.height + 2 * MARGIN);
  const title = `Architecture of ${architecture.title}`;
  const role = interactive ? html`role="group" aria-label="${title}"` : html`role="img"`;
  return html`<svg
    class="architecture"
    xmlns="http://www.w3.org/2000/svg"
    ${role}
    width="${width}"
    height="${height}"
    viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}"
  >
    ${interactive ? "" : html`<title>${title}</title><desc>${describeFlows(architecture).join(" ")}</desc>`}
    ${allFrames(architecture.cloud).map((frame) => drawFrame(frame, layout, changes, interactive))}
    ${layout.routes.map((route) => drawArrow(route))}
    ${architecture.arrows.map(({ label }, index) => drawLabel(label, layout.routes[index]))}
    ${architecture.boxes.map((box) => drawBox(box, layout, changes, interactive))}
  </svg>`;
}

/** The drawing as text: one sentence per arrow. */
export function describeFlows({ boxes, cloud, arrows }: Architecture): string[] {
  const titles = new Map([...boxes, ...allFrames(cloud)].map(({ id, title }) => [id, title]));
  return arrows.map(({ from, to, label, both }) => {
    const [here = from, there = to] = [titles.get(from), titles.get(to)];
    return `${label}: ${both ? `between ${here} and ${there}` : `from ${here} to ${there}`}.`;
  });
}

const button = (interactive: boolean, id: string, label: string) =>
  interactive ? html`role="button" tabindex="0" data-id="${id}" aria-label="${label}"` : "";

function drawFrame(
  { id, title, kind, boxes, accessories }: Frame,
  { rectangles }: Layout,
  changes: ReadonlyMap<string, BoxChange>,
  interactive: boolean,
): Html {
  const outline = rectangles.get(id);
  if (outline === undefined || outline.width <= 0) return html``;
  const x = round(outline.x + 12);
  const y = round(outline.y + FRAME_TITLE_SIZE + 8);
  const change = changes.get(id);
  const text = html`<text class="frame-title" x="${x}" y="${y}" font-size="${FRAME_TITLE_SIZE}"
    >${fitted(title, Math.max(outline.width - 24, 40), FRAME_TITLE_SIZE, true)}</text
  >`;
  // The outline itself takes no clicks: what is inside it does.
  const label = `${title}, ${boxes.length > 0 ? `${boxes.length} parts, ` : ""}${accessories.length} resources${change === undefined ? "" : `, ${change}`}`;
  return html`<g class="frame ${kind} ${change ?? ""}"
    ><rect ${rectangle(outline)} rx="${kind === "cloud" ? 18 : 12}" />${
      accessories.length > 0
        ? html`<g class="frame-button" ${button(interactive, id, label)}
            ><rect
              class="hit"
              x="${x - 6}"
              y="${y - FRAME_TITLE_SIZE - 2}"
              width="${round(textWidth(title, FRAME_TITLE_SIZE, true) + 12)}"
              height="${FRAME_TITLE_SIZE + 9}"
              rx="6"
            />${text}</g
          >`
        : text
    }${change === undefined ? "" : drawSign(change, outline)}</g
  > `;
}

function drawBox(
  { id, title, subtitle, icon, zone, urns, accessories }: Box,
  { rectangles }: Layout,
  changes: ReadonlyMap<string, BoxChange>,
  interactive: boolean,
): Html {
  const outline = rectangles.get(id);
  if (outline === undefined) return html``;
  const { x, y, width, height } = outline;
  const room = width - TEXT_START - 8;
  const change = changes.get(id);
  const resources = urns.length + accessories.length;
  const label = `${title}, ${subtitle}${resources > 0 ? `, ${resources} resources` : ""}${change === undefined ? "" : `, ${change}`}`;
  // The inner svg cuts off what a font makes wider than expected.
  return html`<g class="box ${zone} ${change ?? ""}" ${button(interactive, id, label)}
    ><rect ${rectangle(outline)} rx="10" /><path
      class="icon"
      transform="translate(${round(x + 13)} ${round(y + height / 2 - 12)})"
      d="${ICONS[icon]}"
    /><svg x="${round(x + TEXT_START)}" y="${round(y)}" width="${round(room + 4)}" height="${round(height)}">
      <text class="title" x="0" y="26" font-size="${TITLE_SIZE}">
        ${fitted(title, room, TITLE_SIZE, true)}
      </text>
      <text class="subtitle" x="0" y="43" font-size="${SUBTITLE_SIZE}">
        ${fitted(subtitle, room, SUBTITLE_SIZE)}
      </text></svg
    >${change === undefined ? "" : drawSign(change, outline)}</g
  > `;
}

/** The sign of a change at the upper right corner. */
function drawSign(change: BoxChange, { x, y, width }: Rectangle): Html {
  const label = `${SIGNS[change]} ${change}`;
  const size = 10;
  const long = Math.ceil(textWidth(label, size, true) + 14);
  const left = round(x + width - long - 8);
  return html`<g class="mark ${change}"
    ><rect x="${left}" y="${round(y - 9)}" width="${long}" height="18" rx="9" /><text
      x="${round(left + long / 2)}"
      y="${round(y + 3.5)}"
      font-size="${size}"
      text-anchor="middle"
      >${label}</text
    ></g
  >`;
}

function drawArrow({ curve, start, end }: Route): Html {
  const [first, ...more] = curve;
  const last = more.at(-1);
  if (first === undefined || last === undefined) return html``;
  const pieces: string[] = [];
  for (let index = 0; index + 2 < more.length; index += 3) {
    pieces.push(
      `C${more
        .slice(index, index + 3)
        .map(place)
        .join(" ")}`,
    );
  }
  return html`<g class="arrow"
    ><path
      d="M${place(first)} ${raw(pieces.join(" "))}"
    />${end ? head(last, end) : ""}${start ? head(first, start) : ""}</g
  > `;
}

/** An arrowhead from the end of the line to its tip. */
function head(from: Point, tip: Point): Html {
  const long = Math.hypot(tip.x - from.x, tip.y - from.y) || 1;
  const across = { x: (-(tip.y - from.y) / long) * 4, y: ((tip.x - from.x) / long) * 4 };
  const corners = [
    { x: from.x + across.x, y: from.y + across.y },
    tip,
    { x: from.x - across.x, y: from.y - across.y },
  ];
  return html`<polygon points="${corners.map(place).join(" ")}" />`;
}

function drawLabel(label: string, route: Route | undefined): Html {
  if (route === undefined || route.curve.length === 0) return html``;
  const { x, y, width, height } = route.label;
  return html`<text
    class="flow"
    x="${round(x + width / 2)}"
    y="${round(y + height / 2 + LABEL_SIZE * 0.36)}"
    font-size="${LABEL_SIZE}"
    text-anchor="middle"
    >${label}</text
  > `;
}

/** The drawing as an SVG file, in the light or dark colours of the reader's system. */
export async function drawFile(architecture: Architecture): Promise<string> {
  const style = inColours(readFileSync(join(__dirname, "drawing.css"), "utf8"));
  const svg = String(await draw(architecture));
  return `${svg.replace("<title>", () => `<style>${style}</style><title>`)}\n`;
}
