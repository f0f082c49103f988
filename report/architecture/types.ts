import { Icon } from "../drawing/icons";

/** The area of a box, from the people outside to the inner network. */
export type Zone = "outside" | "edge" | "public" | "private" | "services" | "operations";

/** One box of the drawing: a part of the platform that has a name. */
export interface Box {
  id: string;
  title: string;
  /** Service and size, in one line. */
  subtitle: string;
  icon: Icon;
  zone: Zone;
  /** Distance from the people at the top. Boxes of one row stand side by side. */
  row: number;
  /** URNs of the resources that the box stands for; empty outside the stack. */
  urns: string[];
  /** URNs of the resources that belong to it: policies, roles, rules. */
  accessories: string[];
}

/** A frame around boxes, with resources of its own. */
export interface Frame {
  id: string;
  title: string;
  kind: "cloud" | "network" | "zone" | "pair";
  boxes: string[];
  frames: Frame[];
  accessories: string[];
}

/** A flow from one box, or all boxes of a frame, to another. */
export interface Arrow {
  from: string;
  to: string;
  label: string;
  /** True if it flows both ways. */
  both: boolean;
}

export interface Architecture {
  title: string;
  boxes: Box[];
  /** The outermost frame, which holds all others. */
  cloud: Frame;
  arrows: Arrow[];
}

/** A frame and all frames in it. */
export function allFrames(frame: Frame): Frame[] {
  return [frame, ...frame.frames.flatMap(allFrames)];
}

/** Rows of the drawing, from the people down. */
export const ROWS = { people: 0, edge: 1, public: 2, private: 3, data: 4, images: 5, access: 6, others: 7 };
