import { type Journal } from "../../coordination/journal";
import { type Pair } from "../../deploy/pair/find";
import { type CutoverRecord } from "./record";
import { type LockedSession } from "./session";

export interface Context {
  session: LockedSession;
  journal: Journal<CutoverRecord>;
  /** Web and worker of the new platform. */
  pair: Pair;
}
