import { expect } from "chai";
import { UserError } from "../../../cli/userError";
import { restore } from "../../../database/commands/restore";
import { deployment, builtVersion, repairing, runDirect } from "../../deploy/double/runs";
import { status } from "../../../deploy/commands/status";
import { goBack } from "../../../move/cutover/back";
import { KNOWN_MIGRATIONS } from "../../../components/common/artifacts";
import { ARTIFACTS, ENV, type FaultKind, PREVIOUS } from "../../deploy/double/aws";
import { changes, done } from "./ended";
import { LISTENERS, OLD, OLD_BALANCER, OLD_QUEUE } from "./existing";
import {
  createPlatforms,
  isUnfinished,
  mismatchesAfter,
  mismatchesBefore,
  moving,
  NAME,
  type Platforms,
  run,
  USER,
} from "./platforms";

const unused = () => Promise.reject(new Error("unused"));
const noClient = () => {
  throw new Error("unused");
};

/** Runs a cutover that a fault ends at the first call of an operation. */
async function stopped(operation: string, kind: FaultKind = "killAfter", before = 0): Promise<Platforms> {
  const platforms = createPlatforms();
  platforms.double.faultOn = (called, times) => (called === operation && times === before ? kind : undefined);
  expect(await run(platforms, moving()), operation).to.equal("killed");
  platforms.double.faultOn = () => undefined;
  return platforms;
}

/** A call of each phase up to the point of no return. */
const PHASES: readonly [phase: string, operation: string, before?: number][] = [
  ["closing", "CreateRule", 1],
  ["closing", "SetQueueAttributes"],
  ["saving", "CreateDBSnapshot"],
  ["saving", "CopyDBSnapshot"],
  ["restoring", "SetQueueAttributes", 1],
  ["restoring", "RestoreDBInstanceFromDBSnapshot"],
  ["restoring", "ModifyDBInstance", 1],
  ["restoring", "import"],
  ["copying", "CopyMedia"],
  ["updating", "UpdateEnvironment"],
];

describe("move cutover", () => {
  it("moves users, rows, media and records, and shows plan, rows, checks and what comes next", async () => {
    const platforms = createPlatforms();
    const { code, output } = await done(platforms, moving(), { user: USER });
    expect([code, mismatchesAfter(platforms)], output).to.deep.equal([0, []]);
    expect(platforms.iaso.refused).to.be.greaterThan(10);
    expect(output)
      .to.include("2 listener(s). Wait until its 0 running and 3 waiting tasks")
      .and.include("iaso.example.org: A dualstack.awseb-old")
      .and.include("Resolvers keep the old one for 300 s.")
      .and.include("No rehearsal tells how long it takes: npm run move -- rehearse staging")
      .and.match(/iaso_orgunit: (\d+) -> \1\n/)
      .and.include('moved-user logged in, sees forms, and the file of "Census" loads.')
      .and.match(/Iaso was closed for \d+ min/)
      .and.include(`pulumi up --stack ${ENV}`)
      .and.include(`npm run database -- delete-replaced ${ENV}`);
  });

  it("goes on in each phase", async () => {
    for (const [phase, operation, before] of PHASES) {
      const platforms = await stopped(operation, "killAfter", before);
      const { code, output } = await done(platforms, moving());
      expect(output).to.include(`stopped in phase ${phase}.`);
      expect([code, mismatchesAfter(platforms)], `${operation}: ${output}`).to.deep.equal([0, []]);
    }
  });

  it("goes back in each phase, and leaves the existing side exactly as before", async () => {
    for (const [, operation, before] of PHASES) {
      const platforms = await stopped(operation, "killAfter", before);
      expect(platforms.iaso.isAsBefore, operation).to.equal(false);
      const { code, output } = await done(platforms, goBack);
      expect([code, mismatchesBefore(platforms)], `${operation}: ${output}`).to.deep.equal([0, []]);
      expect((await done(platforms, goBack)).output).to.include("No cutover of staging is unfinished.");
    }
  });

  it("begins again after it went back", async () => {
    const platforms = await stopped("CopyMedia");
    await done(platforms, goBack);
    const { code, output } = await done(platforms, moving());
    expect([code, mismatchesAfter(platforms)], output).to.deep.equal([0, []]);
    expect(output).to.include(`An earlier run left ${NAME}-replaced-1`);
  });

  it("goes forward only from the records on, and says since when", async () => {
    for (const operation of ["ChangeResourceRecordSets", "GetChange"]) {
      const platforms = await stopped(operation);
      const back = await done(platforms, goBack);
      expect([back.code, back.output]).to.match(/^2,.*The records are being changed since 2026-01-05T/s);
      const { code, output } = await done(platforms, moving());
      expect([code, mismatchesAfter(platforms)], output).to.deep.equal([0, []]);
      const late = await done(platforms, goBack);
      expect([late.code, late.output]).to.match(/^2,.*nothing goes back.*unchanged in old-iaso/s);
    }
  });

  it("changes nothing if the user answers no, and stays closed if so before the records", async () => {
    const platforms = createPlatforms();
    expect(await done(platforms, moving(), { answers: [false] })).to.have.property("code", 3);
    expect(changes(platforms)).to.deep.equal([]);
    const { code, output } = await done(platforms, moving(), { answers: [true, false] });
    expect([code, output]).to.match(/^6,.*The records are unchanged.*CLOSED.*move -- back staging/s);
    expect(isUnfinished(platforms)).to.equal(true);
    await done(platforms, goBack);
    expect(mismatchesBefore(platforms)).to.deep.equal([]);
  });

  it("refuses media that it could not copy before it closes anything", async () => {
    const platforms = createPlatforms();
    const { code, output } = await done(platforms, (session) =>
      moving()({ ...session, checkMedia: () => Promise.reject(new UserError("Nobody copies.")) }),
    );
    expect([code, output]).to.match(/^2,.*Nobody copies/s);
    expect(changes(platforms)).to.deep.equal([]);
  });

  it("names what only people can change before", async () => {
    const platforms = createPlatforms();
    const { settings } = platforms.double.environment(OLD);
    settings.variables!["RDS_USERNAME"] = "app";
    settings.options = { "aws:elasticbeanstalk:managedactions ManagedActionsEnabled": "true" };
    const { output } = await done(platforms, moving(), { answers: [false] });
    expect(output).to.include("GRANT app TO iaso;").and.include("turn its managed updates off before");
  });

  it("names tasks that do not end, and leaves them behind only if it is told to", async () => {
    const platforms = createPlatforms();
    platforms.iaso.queue.waiting = 40;
    const { code, output } = await done(platforms, moving());
    expect([code, output]).to.match(/^6,.*tasks run and \d+ wait .* after 15 min.*--leave-tasks/s);
    const left = await done(platforms, moving("cutover", { leaveTasks: true }));
    expect([left.code, left.output]).to.match(/^0,.*warning: \d tasks run and \d+ wait/s);
  });

  it("does not go on if somebody opened the existing site after the snapshot", async () => {
    const platforms = await stopped("CopyMedia");
    const { double, iaso } = platforms;
    for (const { arn } of double.balancing.existing(LISTENERS[1]))
      double.balancing.handle("DeleteRule", new URLSearchParams({ RuleArn: arn }));
    double.time.now += 600_000;
    double.settle();
    const { code, output } = await done(platforms, moving());
    expect([code, output]).to.match(/^6,.*Somebody opened the existing site.*move -- back staging/s);
    expect(iaso.isMoved).to.equal(false);
  });

  it("names what is missing of the existing side, and goes back without it", async () => {
    const platforms = await stopped("CopyMedia");
    const { double } = platforms;
    const { balancers } = double.balancing;
    balancers.splice(
      balancers.findIndex(({ arn }) => arn.includes(OLD_BALANCER)),
      1,
    );
    const on = await done(platforms, moving());
    expect([on.code, on.output]).to.match(
      /^6,.*fedcba9876543210\/80.* does not exist any more.*move -- back/s,
    );
    double.queues.delete(OLD_QUEUE);
    const { code, output } = await done(platforms, goBack);
    expect([code, output]).to.match(
      /^0,.*What is left of iaso-old is open again.*old-iaso-tasks does not exist/s,
    );
    expect(isUnfinished(platforms)).to.equal(false);
  });

  it("goes back if RDS cannot use the restored database", async () => {
    const platforms = await stopped("ModifyDBInstance");
    const { double } = platforms;
    double.time.now += 3_600_000;
    double.rds.named(`${NAME}-restored-1`)!.status = "incompatible-restore";
    const { code, output } = await done(platforms, goBack);
    expect([code, mismatchesBefore(platforms)], output).to.deep.equal([0, []]);
  });

  it("does not abort the update that migrates when it goes on", async () => {
    const platforms = createPlatforms();
    const { double } = platforms;
    double.beanstalk.timing = { ...double.beanstalk.timing, perInstance: () => 5 * 60_000 };
    double.faultOn = (called, before) =>
      called === "UpdateEnvironment" && before === 1 ? "killAfter" : undefined;
    expect(await run(platforms, moving())).to.equal("killed");
    const { code, output } = await done(platforms, moving());
    expect([code, mismatchesAfter(platforms)], output).to.deep.equal([0, []]);
    expect(double.calls.map(({ operation }) => operation)).not.to.include("AbortEnvironmentUpdate");
  });

  it("stops if the worker is not healthy any more", async () => {
    const platforms = createPlatforms();
    platforms.double.beanstalk.plan(`${NAME}-worker`, PREVIOUS, "degrades");
    const { code, output } = await done(platforms, moving());
    expect([code, output]).to.match(/^6,.*worker has an instance that is Severe.*CLOSED/s);
  });

  it("waits for the encrypted copy of the snapshot when it goes on, and tolerates a clock that is ahead", async () => {
    const platforms = await stopped("CopyDBSnapshot");
    const { double } = platforms;
    const key = `restores/${ENV}/00000001.json`;
    const record = double.s3.json(ARTIFACTS, key) as { history: { at: string; phase: string }[] };
    const saving = record.history.find(({ phase }) => phase === "saving");
    for (const snapshot of double.rds.snapshots) snapshot.at = Date.parse(saving?.at ?? "") - 20_000;
    const { code, output } = await done(platforms, moving());
    expect([code, output]).to.match(/^0,/);
  });

  it("stops between two steps if the user interrupts", async () => {
    const platforms = createPlatforms();
    let isInterrupted = false;
    platforms.double.faultOn = (called) => {
      isInterrupted ||= called === "CopyMedia";
      return undefined;
    };
    const { code, output } = await done(platforms, (session) =>
      moving()({ ...session, interrupted: () => isInterrupted }),
    );
    expect([code, output]).to.match(/^6,.*The run was interrupted.*CLOSED/s);
    expect(platforms.double.calls.map(({ operation }) => operation)).not.to.include("UpdateEnvironment");
  });

  it("deploys again after an update by others, and lets no instance start on tables that it does not fit", async () => {
    const platforms = createPlatforms();
    const { double } = platforms;
    const updates = () => double.calls.filter(({ operation }) => operation === "UpdateEnvironment").length;
    double.faultOn = (called) => {
      if (called === "CopyMedia") for (const one of [double.web, double.worker]) one.update(PREVIOUS);
      return undefined;
    };
    const { code, output } = await done(platforms, moving());
    expect([code, updates()], output).to.deep.equal([0, 2]);
    expect(double.s3.json(ARTIFACTS, KNOWN_MIGRATIONS)).to.have.property("mustFit", PREVIOUS);
  });

  it("does not go on if the restored database lacks rows that the existing one has", async () => {
    const platforms = createPlatforms();
    const { double, iaso } = platforms;
    double.faultOn = (operation) => {
      // Somebody writes past the closed site.
      if (operation === "import")
        double.rds.write(iaso.database, { ...double.rds.rowsOf(iaso.database), iaso_form: 1 });
      return undefined;
    };
    const { code, output } = await done(platforms, moving());
    expect([code, output]).to.match(/^6,.*fewer rows than the existing one: iaso_form/s);
  });

  it("does not go on if a slow upload changed rows of the existing database after the snapshot", async () => {
    for (const operation of ["RestoreDBInstanceFromDBSnapshot", "CopyMedia"]) {
      const platforms = createPlatforms();
      const { double, iaso } = platforms;
      double.faultOn = (called, before) => {
        if (called === operation && before === 0)
          double.rds.write(iaso.database, double.rds.rowsOf(iaso.database));
        return undefined;
      };
      const { code, output } = await done(platforms, moving());
      expect([code, output]).to.match(
        /^6,.*was written to since it was closed \(1 rows\).*move -- back staging/s,
      );
      expect(iaso.isMoved).to.equal(false);
      double.commands.others.clear();
      const blind = await done(platforms, moving());
      expect([blind.code, blind.output]).to.match(/^6,.*Nothing shows whether.*--without-row-count/s);
      await done(platforms, goBack);
      expect(mismatchesBefore(platforms)).to.deep.equal([]);
    }
  });

  it("compares no rows if no instance of the existing Iaso can count them, says so in the plan, and waits for slow uploads", async () => {
    const platforms = createPlatforms();
    platforms.double.commands.others.clear();
    platforms.iaso.longestRequest = 10 * 60_000;
    const { code, output } = await done(platforms, moving());
    expect([code, output]).to.match(/^0,.*Nothing shows late writes to it.*So this waits 15 min first/s);
    expect(output).to.include("not compared: no instance of the existing Iaso");
    expect(mismatchesAfter(platforms)).to.deep.equal([]);
  });

  it("remembers its options, and says that a login is not checked any more", async () => {
    const platforms = createPlatforms();
    platforms.iaso.queue.waiting = 40;
    platforms.double.commands.online = [];
    platforms.double.faultOn = (called) => (called === "CopyMedia" ? "killAfter" : undefined);
    const options = { leaveTasks: true, withoutRowCount: true };
    expect(await run(platforms, moving("cutover", options), { user: USER })).to.equal("killed");
    platforms.double.faultOn = () => undefined;
    let question = "";
    const unchecked = await done(platforms, (session) =>
      moving()({
        ...session,
        confirm: (asked) => {
          question = asked;
          return Promise.resolve(false);
        },
      }),
    );
    expect([unchecked.code, question]).to.match(
      /^6,.*began with --user moved-user, but no login is checked/s,
    );
    const { code, output } = await done(platforms, moving(), { user: USER });
    expect([code, output]).to.match(/^0,.*loads\./s);
  });

  it("stops at a check that fails: a login, a file, an unhealthy platform", async () => {
    const platforms = createPlatforms();
    const wrong = { ...USER, password: "LeakMarkWrong" };
    const { code, output } = await done(platforms, moving(), { user: wrong });
    expect([code, output]).to.match(/^6,.*moved-user could not log in: HTTP 401/s);
    expect(output).not.to.include("LeakMark");
    platforms.double.beanstalk.onDeploy = () => undefined;
    await done(platforms, goBack);
    const unmigrated = await done(platforms, moving());
    expect([unmigrated.code, unmigrated.output]).to.match(/^6,.*health check fails/s);
    expect(platforms.iaso.isMoved).to.equal(false);
  });

  it("makes other tools wait, which name the commands that finish it", async () => {
    const platforms = await stopped("CopyMedia");
    const { double } = platforms;
    double.time.now += 400_000;
    const named = /npm run move -- cutover staging.*npm run move -- back staging/;
    const { build } = builtVersion();
    for (const command of [deployment(build), repairing()]) {
      const report = await runDirect(double, command, {}, "shortcut");
      expect([report === "killed" ? report : `${report.outcome} ${report.remedy ?? ""}`]).to.match(named);
    }
    const shown = await runDirect(double, status, {}, "shortcut");
    expect(shown === "killed" ? shown : shown.remedy).to.match(named);
    const refused = await done(platforms, (session) =>
      restore(
        { ...session, aws: unused, backup: noClient, presign: unused },
        {
          to: "latest",
          withoutRowCount: true,
        },
      ),
    );
    expect([refused.code, refused.output]).to.match(new RegExp(`^2,.*${named.source}`, "s"));
    await done(platforms, moving());
    expect(mismatchesAfter(platforms)).to.deep.equal([]);
  });

  it("needs each of its permissions", async () => {
    const { role } = createPlatforms().double;
    const sids = ["CloseExistingSite", "StopWorkers", "TakeSnapshots", "PointRecords"];
    for (const sid of sids) {
      const platforms = createPlatforms();
      platforms.double.role = role.without(sid);
      const { code, output } = await done(platforms, moving());
      expect([code, output], sid).to.match(/^6,.*not authorized/s);
    }
  });
});
