import { join } from "node:path";
import { expect } from "chai";
import { backups } from "../../database/commands/backups";
import { copyBack } from "../../database/commands/copyBack";
import { restoreMedia } from "../../database/commands/restoreMedia";
import { EXIT } from "../../database/run";
import { type Session } from "../../database/session";
import { REGION, roleOf } from "../authorization";
import { ENV, FAULT_KINDS } from "../deploy/double/aws";
import { type CliResult, runCli } from "../deploy/double/cli";
import { ScaledTime } from "../deploy/double/clocks";
import { serve } from "../deploy/double/server";
import { previewOf } from "../support";
import { overHttp } from "./backupClients";
import { BUCKET, COPY_REGION, UNREADABLE } from "./backupDouble";
import { type Account, createAccount, type Ended, run } from "./runs";

const KEPT = { "a.jpg": "as it was", "b.jpg": "deleted" };

function withBackups(): Account {
  const account = createAccount();
  addBackups(account);
  return account;
}

/** Adds two backups of media and a copy of each kind; a file was deleted from the bucket since. */
function addBackups({ backup, double }: Account): void {
  backup.addPoint({ type: "S3", at: double.time.now - 2 * 86_400_000, files: { "older.jpg": "older" } });
  backup.addPoint({ type: "S3", files: KEPT });
  backup.addPoint({ type: "S3", at: double.time.now + 1000, status: "PARTIAL", files: {} });
  backup.addPoint({ type: "S3", region: COPY_REGION, files: { ...KEPT, "c.jpg": "only in the copy" } });
  backup.addPoint({ type: "RDS", region: COPY_REGION });
  backup.media = { "a.jpg": "changed since" };
}

const media =
  (options = {}) =>
  (session: Session) =>
    restoreMedia(session, options);
const copying = (session: Session) => copyBack(session, { from: COPY_REGION });

async function ended(
  account: Account,
  command: Parameters<typeof run>[1],
  answers: boolean[] = [],
): Promise<Ended> {
  const end = await run(account, command, { answers });
  if (end === "killed") throw new Error("nothing kills this run");
  return end;
}

describe("database restore-media", () => {
  it("restores the newest complete backup: missing files come back, and those that are there stay", async () => {
    const account = withBackups();
    const { code, output } = await ended(account, media());
    expect(code, output).to.equal(EXIT.done);
    expect(account.backup.media).to.deep.equal({ "a.jpg": "changed since", "b.jpg": "deleted" });
    expect(output).to.include(`(2.0 GiB) into the bucket ${BUCKET}`);
    expect(account.backup.jobs).to.have.length(1);
  });

  it("has its backups in the list of all backups", async () => {
    const account = withBackups();
    const [older, newer, partial] = account.backup.points;
    const { code, output } = await ended(account, backups);
    expect(code).to.equal(EXIT.done);
    expect(output).to.match(
      new RegExp(`for restore-media --recovery-point:\n  \\S+Z  ${newer!.arn}\n  \\S+Z  ${older!.arn}$`),
    );
    expect(output).not.to.include(partial!.arn);
    expect((await ended(createAccount(), backups)).output).to.match(
      /The vault iaso-staging has no backup of/,
    );
    const without = withBackups();
    without.backup.vaults.delete(REGION);
    expect((await ended(without, backups)).output).to.match(/There is no vault iaso-staging with backups/);
  });

  it("restores the backup that the user names", async () => {
    const account = withBackups();
    const { code } = await ended(account, media({ recoveryPoint: account.backup.points[0]!.arn }));
    expect(code).to.equal(EXIT.done);
    expect(account.backup.media).to.have.all.keys("a.jpg", "older.jpg");
  });

  it("changes nothing if the user answers no, and refuses other backups", async () => {
    const account = withBackups();
    expect((await ended(account, media(), [false])).code).to.equal(EXIT.abandoned);
    const unknown = await ended(account, media({ recoveryPoint: "arn:aws:backup:x" }));
    expect(unknown.code).to.equal(EXIT.refused);
    expect(unknown.output).to.include(account.backup.points[0]!.arn);
    const foreign = account.backup.addPoint({ type: "S3", resource: "arn:aws:s3:::example-iaso-prod-media" });
    const other = await ended(account, media({ recoveryPoint: foreign.arn }));
    expect([other.code, other.output]).to.match(/^2,.*is not the media bucket of staging/s);
    const none = await ended(createAccount(), media());
    expect([none.code, none.output]).to.match(/^2,.*no backup of media.*copy-back staging --from REGION/s);
    expect(account.backup.jobs).to.deep.equal([]);
  });

  it("restores with the bucket's own encryption, also a copy from another region, and without ACLs", async () => {
    const key = `arn:aws:kms:${REGION}:123456789012:key/11111111-2222-3333-4444-555555555555`;
    for (const [bucketKey, encryption] of [
      [undefined, { EncryptionType: "SSE-S3" }],
      [key, { EncryptionType: "SSE-KMS", KMSKey: key }],
    ] as const) {
      const account = createAccount();
      if (bucketKey !== undefined) account.double.s3.encryptionKeys.set(BUCKET, bucketKey);
      account.backup.key = bucketKey;
      account.backup.addPoint({ type: "S3", from: COPY_REGION, files: KEPT });
      const { code, output } = await ended(account, media());
      expect(code, output).to.equal(EXIT.done);
      expect(account.backup.media).to.deep.equal(KEPT);
      expect(account.backup.jobs[0]?.metadata).to.deep.equal({
        DestinationBucketName: BUCKET,
        RestoreACLs: "false",
        ...encryption,
      });
    }
  });

  it("does not say that all files are back if AWS Backup could not restore some or found none", async () => {
    const account = createAccount();
    const { arn } = account.backup.addPoint({ type: "S3", files: { ...KEPT, "c.jpg": UNREADABLE } });
    const { code, output } = await ended(account, media());
    expect(account.backup.media).to.deep.equal(KEPT);
    expect(code).to.equal(EXIT.unfinished);
    expect(output).to.match(/is COMPLETED: One or more objects failed to be restored from \S+ to \S+\. /);
    expect(output).to.include(`npm run database -- restore-media staging --recovery-point ${arn}`);
    expect(output).not.to.include("has all files");
    const empty = createAccount();
    empty.backup.addPoint({ type: "S3" });
    expect((await ended(empty, media())).output).to.match(/There are no objects that match the restore/);
  });

  it("starts a job of its own beside one that restores a single file, and waits for one that restores all", async () => {
    const account = withBackups();
    const [, point] = account.backup.points;
    const starting = (ItemsToRestore?: string) =>
      account.backup.handle(REGION, "StartRestoreJob", {
        RecoveryPointArn: point!.arn,
        IamRoleArn: "arn:aws:iam::123456789012:role/iaso-staging-backup",
        ResourceType: "S3",
        Metadata: {
          DestinationBucketName: BUCKET,
          RestoreACLs: "false",
          EncryptionType: "SSE-S3",
          ...(ItemsToRestore !== undefined && { ItemsToRestore }),
        },
      });
    starting(JSON.stringify([`s3://${BUCKET}/a.jpg`]));
    expect((await ended(account, media())).code).to.equal(EXIT.done);
    expect(account.backup.jobs).to.have.length(2);
    expect(account.backup.media).to.have.all.keys("a.jpg", "b.jpg");
    starting();
    expect((await ended(account, media())).code).to.equal(EXIT.done);
    expect(account.backup.jobs).to.have.length(3);
  });

  it("refuses a bucket that does not exist or has no versioning, before a job", async () => {
    const gone = createAccount();
    const resource = "arn:aws:s3:::other-iaso-staging-media";
    gone.backup.addPoint({ type: "S3", resource });
    const end = await ended(gone, media());
    expect([end.code, end.output]).to.match(/^2,.*other-iaso-staging-media does not exist.*pulumi up/s);
    const unversioned = withBackups();
    unversioned.backup.versioned = false;
    const other = await ended(unversioned, media());
    expect([other.code, other.output]).to.match(
      /^1,.*Versioning must be enabled on the destination bucket\. Nothing was changed\./s,
    );
    expect([...gone.backup.jobs, ...unversioned.backup.jobs]).to.deep.equal([]);
  });

  it("reports a job that fails, with its reason and the command", async () => {
    const account = withBackups();
    const act = account.backup.addPoint({ type: "S3", at: account.double.time.now + 5000 });
    const handle = account.backup.handle.bind(account.backup);
    account.backup.handle = (region, operation, input) => {
      const answer = handle(region, operation, input);
      for (const job of account.backup.jobs) job.act = () => ({ failed: "Access Denied." });
      return answer;
    };
    const { code, output } = await ended(account, media());
    expect(code).to.equal(EXIT.unfinished);
    expect(output).to.match(/The restore job \S+ is FAILED: Access Denied\.$/m);
    expect(output).to.include(`npm run database -- restore-media staging --recovery-point ${act.arn}`);
  });
});

describe("database copy-back", () => {
  it("copies the newest backups of both kinds into the environment's region, from where they are restored", async () => {
    const account = withBackups();
    const { code, output } = await ended(account, copying);
    expect(code, output).to.equal(EXIT.done);
    const [rds, s3] = account.backup.points.slice(-2);
    expect([rds?.region, s3?.region]).to.deep.equal([REGION, REGION]);
    expect(output).to.include(
      `npm run database -- restore staging --snapshot ${rds!.arn.split(":snapshot:")[1]!}`,
    );
    expect(output).to.include(`npm run database -- restore-media staging --recovery-point ${s3!.arn}`);
    expect((await ended(account, media({ recoveryPoint: s3!.arn }))).code).to.equal(EXIT.done);
    expect(account.backup.media).to.have.all.keys("a.jpg", "b.jpg", "c.jpg");
  });

  it("refuses the environment's own region, a region without copies, and what AWS Backup refuses", async () => {
    const account = withBackups();
    const own = await ended(account, (session) => copyBack(session, { from: REGION }));
    expect(own.code).to.equal(EXIT.refused);
    const empty = await ended(createAccount(), copying);
    expect([empty.code, empty.output]).to.match(/^2,.*iaso-staging-copy in eu-west-3 has no backup/s);
    for (const point of account.backup.points) point.days = undefined;
    const unlimited = await ended(account, copying);
    expect([unlimited.code, unlimited.output]).to.match(
      /^6,.*FAILED: The retention is outside of the limits/s,
    );
  });
});

describe("AWS Backup under faults", () => {
  for (const [name, command, jobs] of [
    ["restore-media", media(), 1],
    ["copy-back", copying, 2],
  ] as const) {
    it(`${name} ends well when repeated, without a second job, with every fault in every call @proof`, async () => {
      const undisturbed = withBackups();
      await ended(undisturbed, command);
      const calls = undisturbed.double.calls.map(({ operation }) => operation);
      const failures: string[] = [];
      let runs = 0;
      for (const place of calls.keys()) {
        if (/^Describe/.test(calls[place]!) && calls[place] === calls[place - 1]) continue;
        for (const kind of FAULT_KINDS) {
          const account = withBackups();
          account.double.faults.set(place, kind);
          let end: Ended | "killed" = "killed";
          for (let tries = 0; tries < 4 && (end === "killed" || end.code !== EXIT.done); tries += 1) {
            end = await run(account, command);
          }
          runs += 1;
          account.double.time.now += 7_200_000;
          account.double.settle();
          account.backup.advance();
          const wrong = [
            ...(end === "killed" || end.code !== EXIT.done ? ["it did not end"] : []),
            ...(account.backup.media["a.jpg"] === "changed since" ? [] : ["a file was replaced"]),
            ...(account.backup.jobs.length === jobs ? [] : [`${account.backup.jobs.length} jobs`]),
          ];
          if (wrong.length > 0) failures.push(`${kind} at ${place} ${calls[place]!}: ${wrong.join()}`);
        }
      }
      console.log(`      ${name}: ${runs} runs, ${failures.length} mismatches`);
      expect(failures).to.deep.equal([]);
    });
  }
});

describe("database/awsBackup with the program and over HTTP", () => {
  it("has the names of the program's vaults and role", async () => {
    const { resources } = await previewOf("prod");
    const names = resources
      .filter(({ type }) => type === "aws:backup/vault:Vault")
      .map(({ inputs }) => inputs["name"]);
    expect(names).to.have.members(["iaso-prod", "iaso-prod-copy"]);
    expect(roleOf(await previewOf("prod"), "backup").statements.length).to.be.greaterThan(3);
  });

  it("restores and copies in a process of its own @proof", async function () {
    this.timeout(120_000);
    const time = new ScaledTime(1);
    const account = createAccount(1, time);
    addBackups(account);
    account.backup.duration = 0;
    const [running, http] = [await serve(account.double), await serve(overHttp(account.backup))];
    account.double.describeTarget(running.url);
    const tool = (...args: string[]): Promise<CliResult> =>
      runCli(running, time, args, {
        script: join(__dirname, "process.ts"),
        environment: { AWS_ENDPOINT_URL_BACKUP: http.url },
      });
    try {
      const copied = await tool("copy-back", ENV, "--from", COPY_REGION, "--yes");
      expect(copied.code, copied.stdout + copied.stderr).to.equal(EXIT.done);
      const [, arn = ""] = /restore-media staging --recovery-point (\S+)/.exec(copied.stdout) ?? [];
      const restored = await tool("restore-media", ENV, "--recovery-point", arn, "--yes");
      expect(restored.code, restored.stdout + restored.stderr).to.equal(EXIT.done);
      expect(account.backup.media).to.have.all.keys("a.jpg", "b.jpg", "c.jpg");
      const refused = await tool("copy-back", ENV, "--from", "eu-north-1", "--yes");
      expect(refused.code).to.equal(EXIT.refused);
      expect(refused.stderr).to.match(/There is no vault iaso-staging-copy in eu-north-1/);
    } finally {
      await Promise.all([running.stop(), http.stop()]);
    }
  });
});
