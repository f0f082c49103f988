import { UserError } from "../../cli/userError";
import { formatDuration } from "../../coordination/clock";
import { LockLost } from "../../coordination/lock";
import { reasonOf, Unfinished } from "../../coordination/unfinished";
import { withRecord } from "../../coordination/withRecord";
import { type Result } from "../../database/session";
import { openUntilSettled } from "../../deploy/maintenance/closure";
import { openQueue } from "../../deploy/maintenance/queue";
import { findPair } from "../../deploy/pair/find";
import { check } from "./checks";
import { type Context } from "./context";
import { makePlan, type PlanArgs } from "./plan";
import { CUTOVERS, type CutoverRecord, type Phase, timeOf } from "./record";
import { pointRecords } from "./records";
import { moveRecordsInState } from "./recordsInState";
import { type LockedSession, type Session } from "./session";
import { requireStillClosed, STEPS } from "./steps";
import { requireUnwritten } from "./writes";

export interface CutoverOptions {
  command: "cutover" | "rehearsal";
  /** True to go on although tasks are left, and to count neither rows nor writes. A run that goes on remembers both. */
  leaveTasks: boolean;
  withoutRowCount: boolean;
  /** Returns what the plan needs. Throws UserError if an option or a setting is missing. */
  planArgs: () => PlanArgs;
}

/**
 * Moves the existing Iaso to the new platform, or rehearses that: closes the existing site, restores its last snapshot, copies
 * the last media, migrates, checks, and changes the DNS records. A run that stopped is continued.
 *
 * The journal has each phase before it begins. Until the phase `pointing` everything can be taken back ({@link goBack}), from
 * then on the run goes forward only.
 *
 * @throws UserError if something stops it before it begins; nothing is changed
 */
export async function cutover(session: Session, options: CutoverOptions): Promise<Result> {
  const { command } = options;
  return withRecord(session, CUTOVERS, `move ${command}`, async (run) => {
    const locked = run.session;
    const { clients, env, target } = locked;
    const { unfinished } = run;
    const pair = await findPair(clients.beanstalk, env, target);
    if (unfinished !== undefined && !isFinal(unfinished.phase)) {
      requireSame(unfinished, command);
      session.progress.line(
        `Run ${unfinished.number} (${unfinished.command} by ${unfinished.by}, ${unfinished.startedAt}) stopped in phase ${unfinished.phase}.`,
      );
      const journal = await run.reopen({ ...unfinished, ...remembered(session, options, unfinished) });
      return complete({ session: locked, journal, pair });
    }
    if (unfinished?.phase === "succeeded") return succeeded(locked, unfinished);
    const { lines, plan } = await locked.progress.step("Check both platforms", () =>
      makePlan(locked, pair, run.number, options.planArgs()),
    );
    session.show(lines);
    const question =
      command === "cutover" ? "Close the existing site and begin?" : "Replace the new database and rehearse?";
    if (!(await session.confirm(question))) return { outcome: "abandoned", lines: ["Nothing was changed."] };
    const own = { command, stack: session.stack, ...remembered(session, options) };
    const journal = await run.begin({ ...plan, ...own });
    return complete({ session: locked, journal, pair });
  });
}

const isFinal = (phase: Phase): boolean => ["succeeded", "rehearsed", "wentBack"].includes(phase);

/** @throws UserError if the unfinished run is the other one of cutover and rehearsal, or goes back */
function requireSame({ by, command, number, phase, stack, startedAt }: CutoverRecord, wanted: string): void {
  const isGoingBack = phase === "goingBack";
  if (command === wanted && !isGoingBack) return;
  throw new UserError(
    `Run ${number} (${command} by ${by}, ${startedAt}) is ${isGoingBack ? "going back" : "unfinished"}.`,
    `npm run move -- ${isGoingBack || command === "rehearsal" ? "back" : "cutover"} ${stack}`,
  );
}

/** The options that a run keeps: those of the command, and those of the run that it continues. */
function remembered(
  { user }: Session,
  { leaveTasks, withoutRowCount }: CutoverOptions,
  before?: CutoverRecord,
): Pick<CutoverRecord, "leaveTasks" | "user" | "withoutRowCount"> {
  return {
    leaveTasks: leaveTasks || before?.leaveTasks === true,
    withoutRowCount: withoutRowCount || before?.withoutRowCount === true,
    user: user?.name ?? before?.user,
  };
}

/** The sentence about a login that this run does not check, though the run that it continues would have; empty otherwise. */
function uncheckedLogin({ user }: CutoverRecord, session: Session): string {
  if (user === undefined || session.user !== undefined) return "";
  return ` The run began with --user ${user}, but no login is checked without that option.`;
}

/** Runs the steps that are left. Each error says whether the existing site is closed. */
async function complete(context: Context): Promise<Result> {
  const { current } = context.journal;
  try {
    return await goOn(context);
  } catch (error) {
    if (error instanceof LockLost || current.command === "rehearsal") throw error;
    const isPointing = timeOf(context.journal.current, "pointing") !== undefined;
    const state = isPointing
      ? "The records may point to the new platform already: nothing goes back."
      : `The site of ${current.existing.web} is CLOSED until the cutover goes on or back: its users see the maintenance page.`;
    throw new Unfinished(`${reasonOf(error).replace(/\.$/, "")}. ${state}`, { cause: error });
  }
}

async function goOn(context: Context): Promise<Result> {
  const { journal, session } = context;
  const { command } = journal.current;
  const begin = STEPS.findIndex(([phase]) => phase === journal.current.phase);
  if (begin >= 0) {
    for (const [phase, run] of STEPS.slice(begin)) {
      if (phase === "closing" && command === "rehearsal") continue;
      if (session.interrupted()) throw new Unfinished("The run was interrupted.");
      if (journal.current.phase !== phase) await journal.write(phase);
      if (phase !== "closing") await requireStillClosed(context);
      await run(context);
    }
    await journal.write("checking");
  }
  if (journal.current.phase === "checking") {
    await check(context);
    if (command === "cutover") {
      const question = `Point ${journal.current.hosts.web.host} to the new platform?${uncheckedLogin(journal.current, session)} From here nothing goes back.`;
      if (!(await session.confirm(question))) {
        throw new UserError(
          "The records are unchanged.",
          `Go on later with the same command, or go back: npm run move -- back ${session.stack}`,
        );
      }
    }
    await requireUnwritten(context);
    await requireStillClosed(context);
    await journal.write(command === "cutover" ? "pointing" : "ending");
  }
  return command === "cutover" ? point(context) : end(context);
}

/** Changes the records, and lets the worker of the new platform take tasks. */
async function point({ journal, session }: Context): Promise<Result> {
  const { hosts } = journal.current;
  const moved = [hosts.web, ...(hosts.enketo === undefined ? [] : [hosts.enketo])];
  await session.progress.step("Change the records", async () => {
    await session.lock.renew();
    await pointRecords(session.route53, await session.zones(), moved, session.clock);
  });
  await startWorker(session);
  await session.progress.step("Put the records into Pulumi's state", () =>
    moveRecordsInState(
      session.pulumi,
      moved.map(({ former, host }) => ({ from: former, to: host })),
    ),
  );
  await journal.write("succeeded");
  return succeeded(session, journal.current);
}

function startWorker(session: LockedSession): Promise<number> {
  return session.progress.step("Let the new worker take tasks", () =>
    openUntilSettled(session, () => openQueue(session)),
  );
}

/** Ends a rehearsal, and stores its times. */
async function end({ journal, session }: Context): Promise<Result> {
  await startWorker(session);
  const seconds = secondsOf(journal.current);
  await journal.write("rehearsed", { seconds });
  const total = Object.values(seconds).reduce((sum, one) => sum + one, 0);
  return {
    outcome: "done",
    lines: [
      "The rehearsal succeeded. Times:",
      ...Object.entries(seconds).map(([phase, value]) => `  ${phase}: ${formatDuration(value * 1000)}`),
      `Expected interruption of a cutover: ${formatDuration(total * 1000)}, and some minutes until requests and tasks have ended.`,
      `The database before the rehearsal stays as ${journal.current.restore.replaced}. To delete it: npm run database -- delete-replaced ${session.env}`,
    ],
    remedy: `Next: npm run move -- cutover ${session.stack} --application NAME`,
  };
}

/** The seconds that each phase took, from the journal. */
function secondsOf({ history }: CutoverRecord): Record<string, number> {
  const phases: Phase[] = ["saving", "restoring", "copying", "updating", "checking", "ending"];
  const began = phases.map((phase) => history.find((entry) => entry.phase === phase)?.at ?? "");
  return Object.fromEntries(
    phases.slice(0, -1).map((phase, index) => {
      const milliseconds = Date.parse(began[index + 1] ?? "") - Date.parse(began[index] ?? "");
      return [phase, Math.round(milliseconds / 1000)];
    }),
  );
}

/** Gives the stack the hosts in its settings, and says what comes next. */
function succeeded(session: Session, record: CutoverRecord): Result {
  const { env, stack } = session;
  const { existing, hosts, restore } = record;
  session.takeHosts(record);
  const closed = Date.parse(timeOf(record, "succeeded") ?? "") - Date.parse(timeOf(record, "closing") ?? "");
  return {
    outcome: "done",
    lines: [
      `${hosts.web.host} is the new platform. Iaso was closed for ${formatDuration(closed)}; where resolvers keep the old record, users see the maintenance page until it expires.`,
      `Pulumi.${stack}.yaml has the host names of the existing Iaso now. At once, because Enketo opens no form until the update has ended:`,
      `  git commit Pulumi.${stack}.yaml, and push it: an update with the old file would delete the record of ${hosts.web.host}`,
      `  pulumi up --stack ${stack}`,
      `  npm run doctor -- ${stack}`,
      `  pulumi config rm iaso:mediaCopyPrincipal --stack ${stack}, and pulumi up again (docs/moving-in.md, "Copy the media")`,
      `  npm run database -- delete-replaced ${env}, which deletes ${restore.replaced}`,
      `${existing.web}${existing.worker === undefined ? "" : `, ${existing.worker}`}, ${existing.database.id} and ${existing.bucket.name} stay as they are, closed. Keep them until nothing of them is needed (docs/moving-in.md, "Afterwards").`,
    ],
  };
}
