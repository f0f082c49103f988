import { Rule } from "./rule";
import * as access from "./rules/access";
import * as beanstalk from "./rules/beanstalk";
import * as database from "./rules/database";
import * as hygiene from "./rules/hygiene";
import * as queue from "./rules/queue";
import * as storage from "./rules/storage";

const isRule = (value: unknown): value is Rule =>
  typeof value === "object" && value !== null && "check" in value;

/** All rules of the pack. */
export const rules: Rule[] = [storage, beanstalk, database, queue, access, hygiene].flatMap((area) =>
  Object.values<unknown>(area).filter(isRule),
);
