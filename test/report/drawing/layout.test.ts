import { expect } from "chai";
import fc from "fast-check";
import { allFrames, Architecture, architectureOf, Arrow, Box, Frame } from "../../../report/architecture";
import { layOut, Layout, Point, Rectangle } from "../../../report/drawing/layout";
import { fitted, textWidth } from "../../../report/drawing/textWidth";
import { previewOf } from "../../support";

const share = (a: Rectangle, b: Rectangle) =>
  a.x + a.width > b.x + 0.5 &&
  b.x + b.width > a.x + 0.5 &&
  a.y + a.height > b.y + 0.5 &&
  b.y + b.height > a.y + 0.5;

const inside = (a: Rectangle, b: Rectangle) =>
  a.x >= b.x - 0.5 &&
  a.y >= b.y - 0.5 &&
  a.x + a.width <= b.x + b.width + 0.5 &&
  a.y + a.height <= b.y + b.height + 0.5;

/** The boxes that cover each other or lie outside their frame. */
function faults({ boxes, cloud }: Architecture, { rectangles }: Layout): string[] {
  const at = (id: string) => rectangles.get(id)!;
  const covered = boxes.flatMap((one, index) =>
    boxes
      .slice(index + 1)
      .flatMap((other) => (share(at(one.id), at(other.id)) ? [`${one.id} covers ${other.id}`] : [])),
  );
  const outside = allFrames(cloud).flatMap((frame) =>
    [...frame.boxes, ...frame.frames.map(({ id }) => id)]
      .filter((id) => !inside(at(id), at(frame.id)))
      .map((id) => `${id} is outside of ${frame.id}`),
  );
  return [...covered, ...outside];
}

const box = (id: string, row: number, title = id): Box => ({
  id,
  title,
  subtitle: "",
  icon: "box",
  zone: "services",
  row,
  urns: [],
  accessories: [],
});

const frame = (id: string, kind: Frame["kind"], boxes: string[], frames: Frame[] = []): Frame => ({
  id,
  title: id,
  kind,
  boxes,
  frames,
  accessories: [],
});

describe("report/drawing/layout", () => {
  for (const stack of ["staging", "prod"]) {
    it(`keeps boxes, frames and labels of ${stack} apart`, async () => {
      const architecture = architectureOf(await previewOf(stack));
      const layout = await layOut(architecture);
      expect(faults(architecture, layout)).to.deep.equal([]);
      const places = [
        ...architecture.boxes.map(({ id }) => ({ name: id, place: layout.rectangles.get(id)! })),
        ...architecture.arrows.map(({ label }, index) => ({
          name: label,
          place: layout.routes[index]!.label,
        })),
      ];
      const covered = places.flatMap((one, index) =>
        places
          .slice(index + 1)
          .flatMap((other) => (share(one.place, other.place) ? [`${one.name} | ${other.name}`] : [])),
      );
      expect(covered).to.deep.equal([]);
    });
  }

  it("leads each arrow from the side of one box to the side of the other", async () => {
    const architecture = architectureOf(await previewOf("prod"));
    const { rectangles, routes } = await layOut(architecture);
    const gap = ({ x, y }: Point, { x: left, y: top, width, height }: Rectangle) =>
      Math.hypot(Math.max(left - x, 0, x - left - width), Math.max(top - y, 0, y - top - height));
    for (const [index, { from, to, both }] of architecture.arrows.entries()) {
      const { curve, start, end } = routes[index]!;
      expect([start !== undefined, end !== undefined], "arrowheads").to.deep.equal([both, true]);
      expect(gap(start ?? curve[0]!, rectangles.get(from)!), `${from} to ${to}, start`).to.be.lessThan(2);
      expect(gap(end!, rectangles.get(to)!), `${from} to ${to}, end`).to.be.lessThan(2);
    }
  });

  it("draws any architecture without overlaps and with every arrow", async () => {
    const shape = fc.record({
      rows: fc.array(fc.nat({ max: 4 }), { minLength: 2, maxLength: 14 }),
      zones: fc.infiniteStream(fc.nat({ max: 4 })),
      arrows: fc.array(fc.record({ from: fc.nat(), to: fc.nat(), both: fc.boolean() }), { maxLength: 16 }),
      title: fc.string({ unit: "grapheme", maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ rows, zones, arrows, title }) => {
        const boxes = rows.map((row, index) => box(`box ${index}`, row, title));
        const zone = boxes.map(() => zones.next().value as number);
        const of = (number: number) => boxes.filter((_, index) => zone[index] === number).map(({ id }) => id);
        const frames = [1, 2]
          .filter((number) => of(number).length > 0)
          .map((number) => frame(`zone ${number}`, "zone", of(number)));
        const inner = of(3).length > 0 ? [frame("zone 3", "zone", of(3))] : [];
        const cloud = frame("cloud", "cloud", of(4), [...frames, ...inner]);
        const ids = [...boxes.map(({ id }) => id), ...cloud.frames.map(({ id }) => id)];
        const joined = arrows
          .map(({ from, to, both }): Arrow => ({
            from: ids[from % ids.length]!,
            to: ids[to % ids.length]!,
            both,
            label: "flow",
          }))
          .filter(({ from, to }) => from !== to && !inFrame(cloud, from, to) && !inFrame(cloud, to, from));
        const architecture = { title, boxes, cloud, arrows: joined };
        if (allFrames(cloud).flatMap((one) => one.boxes).length === 0) return;
        const layout = await layOut(architecture);
        expect(faults(architecture, layout)).to.deep.equal([]);
        for (const { curve } of layout.routes) expect(curve.length).to.be.greaterThan(3);
      }),
      { numRuns: 60 },
    );
  });

  it("cuts a text to a width with an ellipsis, and no character in two", () => {
    expect(fitted("short", 100, 12)).to.equal("short");
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 200 }),
        fc.integer({ min: 20, max: 200 }),
        (text, width) => {
          const cut = fitted(text, width, 12);
          expect(textWidth(cut, 12)).to.be.at.most(width);
          expect(() => encodeURIComponent(cut)).not.to.throw();
        },
      ),
    );
  });
});

const inFrame = (cloud: Frame, id: string, other: string) =>
  allFrames(cloud).some((one) => one.id === id && (one.boxes.includes(other) || id === "cloud"));
