import { Route53Client } from "@aws-sdk/client-route-53";
import { ConfiguredRetryStrategy } from "@smithy/core/retry";
import { UserError } from "../../cli/userError";
import { backoff, createClients } from "../../coordination/clients";
import { type Clock } from "../../coordination/clock";
import { connect } from "../../coordination/session";
import { PulumiCli } from "../../database/pulumiState";
import { runInTerminal } from "../../database/run";
import { type Result } from "../../database/session";
import { credentialsEnd } from "../../deploy/credentials";
import { DEFAULT_LIMITS } from "../../deploy/session";
import { createClients as createReaders } from "../../doctor/clients";
import { REGIONS } from "../../policies/facts/regions";
import { requireAccount } from "../../settings/requireAccount";
import { StackFile } from "../../settings/stackFile";
import { explained } from "../commands/options";
import { readZones } from "../existing/dns";
import { principalArn } from "../media/principal";
import { copyRest, findBuckets } from "../media/run";
import { type CutoverRecord } from "./record";
import { type Zones } from "./records";
import { type Request, type Session } from "./session";

/** Attempts of a call of Route 53, including the first. */
const ATTEMPTS = 6;
/** Time limit of a request to Iaso, in milliseconds. */
const REQUEST_TIMEOUT = 30_000;

/** The world around a command. */
export interface Surroundings extends Pick<Session, "reach"> {
  clock: Clock;
}

/** Time limit of the update that migrates, in milliseconds: Beanstalk's own is an hour (components/beanstalk/options.ts). */
const UPDATE = 75 * 60_000;

export interface Options {
  /** Time limit of the update that migrates, in milliseconds. */
  timeout?: number;
  yes?: true;
  /** Time limit for tasks to end, in milliseconds. */
  tasksTimeout?: number;
  user?: { name: string; password: string };
}

const request: Request = async (url, init) => {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT) });
  return { status: answer.status, text: await answer.text() };
};

/** Runs a command of a cutover. */
export async function execute(
  name: Name,
  stack: string,
  options: Options,
  { clock, reach }: Surroundings,
  command: (session: Session, file: StackFile) => Promise<Result>,
): Promise<void> {
  const { tasksTimeout, timeout, user, yes } = options;
  const page = "docs/moving-in.md";
  await runInTerminal({ clock, yes, page, again: continuing(name, stack) }, async (terminal) => {
    const { progress } = terminal;
    if (user !== undefined) progress.hide(user.password);
    const file = new StackFile(stack);
    await requireAccount(file);
    const region = file.get("region") ?? "";
    const connected = await connect(file.env, { region });
    return command(
      {
        ...terminal,
        ...connected,
        credentialsEnd: await credentialsEnd(connected.clients),
        env: file.env,
        stack,
        limits: {
          ...DEFAULT_LIMITS,
          tasks: tasksTimeout ?? DEFAULT_LIMITS.tasks,
          update: timeout ?? UPDATE,
        },
        request,
        reach,
        pulumi: new PulumiCli(stack),
        existingClients: (where) => createClients({ region: where }),
        route53: new Route53Client({ region, retryStrategy: new ConfiguredRetryStrategy(ATTEMPTS, backoff) }),
        zones: () => findZones(file),
        checkMedia: async (bucket) => {
          await mediaOf(file, bucket);
        },
        copyMedia: async (bucket) => {
          const { buckets, principal } = await mediaOf(file, bucket);
          return copyRest(buckets, { principal, progress, stack });
        },
        user,
        takeHosts: (record) => {
          takeHosts(stack, record);
        },
      },
      file,
    );
  });
}

/** The name of a command on the command line. */
export type Name = "back" | "cutover" | "rehearse";

/** The commands that continue a run which stopped. */
export const continuing = (name: Name, stack: string) => (): string =>
  name === "back"
    ? `npm run move -- back ${stack}`
    : `npm run move -- ${name} ${stack}, which goes on; or npm run move -- back ${stack}, which goes back`;

/** @throws UserError if the account has no public hosted zone of the name in the settings */
async function findZones(file: StackFile): Promise<Zones> {
  const region = file.get("region") ?? "";
  const name = file.get("hostedZone") ?? "";
  const zones = await explained(() => readZones(createReaders(region)));
  const zone = zones.find((one) => one.name === name);
  if (zone === undefined) {
    throw new UserError(
      `The account has no public hosted zone ${name}.`,
      `Correct the setting: pulumi config set ${file.key("hostedZone")} VALUE --stack ${file.stack}`,
    );
  }
  return { zoneId: zone.id, beanstalkZoneId: REGIONS[region]?.beanstalkHostedZone ?? "" };
}

/**
 * The buckets of media, and the principal that copies.
 *
 * @throws UserError if a bucket is missing, or does not let the principal in
 */
async function mediaOf(file: StackFile, { account, name }: CutoverRecord["existing"]["bucket"]) {
  const principal = await explained(() => principalArn(createReaders(file.get("region") ?? "")));
  requireCopier(file, principal);
  return { principal, buckets: await findBuckets(file, { bucket: name, account }, principal) };
}

/** @throws UserError if the new bucket does not let the principal in */
function requireCopier(file: StackFile, principal: string): void {
  if (file.get("mediaCopyPrincipal") === principal) return;
  throw new UserError(
    `The bucket of media lets ${file.get("mediaCopyPrincipal") || "nobody"} copy, but the AWS credentials are those of ${principal}.`,
    'Copy the media first (docs/moving-in.md, "Copy the media"), with the same credentials',
  );
}

/** Writes the hosts of the existing Iaso into the settings of the stack as its own. */
function takeHosts(stack: string, { hosts }: CutoverRecord): void {
  const file = new StackFile(stack);
  file.set({
    webHost: hosts.web.host,
    existingWebHost: undefined,
    ...(hosts.enketo !== undefined && { enketoHost: hosts.enketo.host, existingEnketoHost: undefined }),
  });
}
