import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { rehearse } from "../../database/commands/rehearse";
import { type Drill } from "../../database/drill";
import { MEDIA_FILE, mediaScript } from "../../database/mediaRehearsal";
import { EXIT } from "../../database/run";
import { type Session } from "../../database/session";
import { drillPrefix } from "../../components/common/drillKey";
import { ARTIFACTS, ENV, FAULT_KINDS } from "../deploy/double/aws";
import {
  installed,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../deploy/source/checkout";
import { type Account, createAccount, type Ended, mismatches, run } from "./runs";

const DAY = 24 * 3_600_000;

const rehearsing = (session: Session) => rehearse(session, { withoutRowCount: false, media: true });

async function played(account: Account): Promise<Ended> {
  const end = await run(account, rehearsing);
  if (end === "killed") throw new Error("nothing kills this run");
  return end;
}

/** Backs media up, as AWS Backup does each day. */
function backUp({ backup, double }: Account): void {
  double.time.now += DAY;
  backup.addPoint({ type: "S3", files: { ...backup.media } });
}

/** An account with media, a file that was deleted on purpose, and a backup with the file of rehearsals. */
async function prepared(): Promise<Account> {
  const account = createAccount();
  Object.assign(account.double.rds, { startDelay: () => 20_000, duration: () => 40_000, backupChance: 0 });
  account.backup.media = { "patient.jpg": "now", "erased.jpg": "a person asked to erase it" };
  backUp(account);
  await played(account);
  backUp(account);
  Reflect.deleteProperty(account.backup.media, "erased.jpg");
  return account;
}

function drillOf({ double }: Account): Drill {
  const last = double.s3.contents(ARTIFACTS, drillPrefix(ENV)).at(-1);
  return double.s3.json(ARTIFACTS, last?.Key ?? "") as unknown as Drill;
}

describe("database rehearse --media", () => {
  it("writes its file first, and restores it once a backup has it", async () => {
    const account = createAccount();
    account.backup.media = { "patient.jpg": "now" };
    backUp(account);
    const first = await played(account);
    expect(first.code, first.output).to.equal(EXIT.done);
    expect(first.output).to.include(
      "Media were not rehearsed: the file rehearsal/written-at.txt was written just now.",
    );
    const early = await played(account);
    expect(early.output).to.match(
      /Media were not rehearsed: the newest backup of media, of \S+Z, is older than the file/,
    );
    backUp(account);
    const written = account.backup.media[MEDIA_FILE];
    const end = await played(account);
    expect(end.code, end.output).to.equal(EXIT.done);
    expect(end.output).to.include("A file of media was restored.");
    expect(drillOf(account).steps["media"]).to.be.greaterThan(1700);
    expect(account.backup.media).to.deep.equal({ "patient.jpg": "now", [MEDIA_FILE]: written });
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("restores no file that was deleted on purpose", async () => {
    const account = await prepared();
    expect((await played(account)).output).to.include("A file of media was restored.");
    expect(account.backup.media).to.have.all.keys("patient.jpg", MEDIA_FILE);
  });

  it("fails without a backup, if the job fails, and if the file does not come back", async () => {
    const without = createAccount();
    const end = await played(without);
    expect([end.code, end.output]).to.match(/^1,[^]*The vault of staging has no backup of media/);
    const lost = await prepared();
    lost.backup.points.at(-1)!.files = {};
    const failed = await played(lost);
    expect([failed.code, failed.output]).to.match(/^1,[^]*There are no objects that match the restore/);
    const other = await prepared();
    other.backup.points.at(-1)!.files[MEDIA_FILE] = "something-else";
    const wrong = await played(other);
    expect([wrong.code, wrong.output]).to.match(/^1,[^]*has other content: something-else/);
    expect(drillOf(other).problem).to.include("other content");
  });

  it("needs an instance", async () => {
    const account = createAccount();
    const end = await run(account, (session) => rehearse(session, { withoutRowCount: true, media: true }));
    expect(end).to.deep.include({ code: EXIT.refused });
  });

  it("keeps other files with every fault in every call with media, and ends well afterwards @proof", async () => {
    const undisturbed = await prepared();
    const before = undisturbed.double.calls.length;
    await played(undisturbed);
    const operations = undisturbed.double.calls.slice(before).map(({ operation }) => operation);
    const first = operations.lastIndexOf("DeleteDBInstance");
    const failures: string[] = [];
    let runs = 0;
    for (const [place, operation] of operations.entries()) {
      if (place <= first || operation === operations[place - 1]) continue;
      for (const kind of FAULT_KINDS) {
        const account = await prepared();
        account.double.faults.set(account.double.calls.length + place, kind);
        await run(account, rehearsing);
        account.double.faults.clear();
        account.double.time.now += 3_600_000;
        // At worst, the file is written again, and the next backup has it.
        const ends = [];
        for (let day = 0; day < 3; day += 1) {
          ends.push(await played(account));
          backUp(account);
        }
        runs += 1;
        const media = Object.keys(account.backup.media).sort().join();
        const problems = [
          ...(media === `patient.jpg,${MEDIA_FILE}` ? [] : [`files: ${media}`]),
          ...(ends.at(-1)?.output.includes("A file of media was restored.") ? [] : [ends.at(-1)?.output]),
          ...mismatches(account),
        ];
        if (problems.length > 0) failures.push(`${kind} at ${place} ${operation}: ${problems.join()}`);
      }
    }
    console.log(`      ${runs} runs, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});

describe("database/mediaRehearsal, the scripts", () => {
  after(removeTemporaryDirectories);

  it("read, write and delete one file with the AWS CLI, and are good for shellcheck", function () {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "bin"));
    // S3 as a folder, for the calls of the scripts.
    const aws = `#!/bin/bash
case "$1 $2" in
  "s3api list-objects-v2") [[ -e ${directory}/file ]] && echo 1 || echo 0 ;;
  "s3 rm") rm -f ${directory}/file ;;
  "s3 cp") if [[ $4 == - ]]; then cat >${directory}/file; else cat ${directory}/file; fi ;;
  *) exit 1 ;;
esac
echo "$*" >>${directory}/calls
`;
    writeFiles(directory, { "bin/aws": { executable: aws } });
    const step = (one: Parameters<typeof mediaScript>[2]): string => {
      const script = mediaScript("eu-central-1", "example-iaso-staging-media", one).join("\n");
      if (installed("shellcheck", "--version")) execFileSync("shellcheck", ["-"], { input: script });
      const result = spawnSync("bash", ["-c", script], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: `${join(directory, "bin")}:${process.env["PATH"] ?? ""}` },
      });
      expect(result.status, result.stderr).to.equal(0);
      return result.stdout;
    };
    expect(step({ read: true })).to.equal("file none\n");
    step({ write: "2026-01-31T12:00:00.000Z" });
    expect(step({ read: true })).to.equal("file 2026-01-31T12:00:00.000Z\n");
    step({ delete: true });
    expect(step({ read: true })).to.equal("file none\n");
    expect(readFileSync(join(directory, "calls"), "utf8")).to.include(
      `s3 rm --only-show-errors s3://example-iaso-staging-media/${MEDIA_FILE}\n`,
    );
    if (!installed("shellcheck", "--version")) skip(this, "shellcheck is not installed");
  });
});
