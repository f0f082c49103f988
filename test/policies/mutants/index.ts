import { Mutant } from "../mutant";
import { accepted } from "./accepted";
import { access } from "./access";
import { roles } from "./roles";
import { application } from "./application";
import { backupOfProd } from "./backup";
import { beanstalk } from "./beanstalk";
import { duties, dutiesOfProd } from "./duties";
import { blindEdits, blindEditsOfProd } from "./blindEdits";
import { closedWorld } from "./closedWorld";
import { database, databaseOfProd } from "./database";
import { encryption } from "./encryption";
import { evidence, evidenceOfProd } from "./evidence";
import { freshEyes } from "./freshEyes";
import { freshFixes, freshFixesOfProd } from "./freshFixes";
import { freshOptions } from "./freshOptions";
import { hygiene } from "./hygiene";
import { images } from "./images";
import { queue } from "./queue";
import { secondReview, secondReviewOfProd } from "./secondReview";
import { network, topology } from "./topology";
import { webAcl } from "./webAcl";
import { values, valuesOfProd } from "./values";
import { privateStatic, publicStatic, storage } from "./storage";

/** The edits of both stacks, by what they change. */
const AREAS: Record<string, Mutant[]> = {
  accepted,
  storage,
  beanstalk,
  webAcl,
  images,
  application,
  database,
  backup: [],
  queue,
  access,
  roles,
  duties,
  hygiene,
  closedWorld,
  topology,
  network,
  encryption: [],
  evidence,
  values,
  freshEyes: [],
  freshOptions: [],
  freshFixes,
  blindEdits,
  secondReview,
};

/** The edits of parts that only one of the stacks has. */
const OF_STACK: Record<string, Record<string, Mutant[]>> = {
  staging: { storage: publicStatic },
  prod: {
    storage: privateStatic,
    database: databaseOfProd,
    duties: dutiesOfProd,
    encryption,
    backup: backupOfProd,
    evidence: evidenceOfProd,
    values: valuesOfProd,
    freshEyes,
    freshOptions,
    freshFixes: freshFixesOfProd,
    blindEdits: blindEditsOfProd,
    secondReview: secondReviewOfProd,
  },
};

/** All edits of one stack, by what they change. */
export const mutantsOf = (stack: string): [area: string, mutants: Mutant[]][] =>
  Object.entries(AREAS).map(([area, mutants]) => [area, [...mutants, ...(OF_STACK[stack]?.[area] ?? [])]]);
