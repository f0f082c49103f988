import type { Part } from "../note";
import { account, region, repositories } from "./account";
import { addresses, certificate } from "./addresses";
import { capacity } from "./capacity";
import { coupledDatabase, database } from "./database";
import { enketo, redis } from "./enketo";
import { mail } from "./mail";
import { network } from "./network";
import { options } from "./options";
import { plugins } from "./plugins";
import { storage } from "./storage";
import { secrets, variables } from "./variables";
import { platform, versions, worker } from "./versions";

/** The parts of the survey, in the order of the report and of the settings. */
export const PARTS: readonly Part[] = [
  account,
  region,
  addresses,
  certificate,
  network,
  database,
  coupledDatabase,
  platform,
  versions,
  capacity,
  plugins,
  worker,
  storage,
  enketo,
  redis,
  mail,
  variables,
  secrets,
  options,
  repositories,
];
