import { type BackupClient } from "@aws-sdk/client-backup";
import { createBackupClient } from "../../coordination/clients";
import { REGION } from "../authorization";
import { type AwsDouble } from "../deploy/double/aws";
import { AwsFault, type DoubleResponse } from "../deploy/double/protocol";
import { type Command, sendTo } from "../deploy/double/shortcut";
import { type Process } from "../deploy/double/transport";
import { type BackupDouble } from "./backupDouble";

const base = createBackupClient({ region: REGION });

/** A client whose calls go to the double as objects, past the SDK's serialisers. */
export function backupClientOf(backup: BackupDouble, region: string, process: Process): BackupClient {
  const send = async (command: Command): Promise<unknown> =>
    withDates(
      await sendTo(process, "backup", command, (operation, input) => backup.handle(region, operation, input)),
    );
  return Object.assign(Object.create(base) as BackupClient, { send });
}

/** The answer as the SDK returns it: a time is a number on the way. */
function withDates(answer: unknown): unknown {
  const { RecoveryPoints, ...rest } = answer as { RecoveryPoints?: { CreationDate: number }[] };
  if (RecoveryPoints === undefined) return answer;
  return {
    ...rest,
    RecoveryPoints: RecoveryPoints.map((one) => ({
      ...one,
      CreationDate: new Date(one.CreationDate * 1000),
    })),
  };
}

/** The paths of AWS Backup's API, by operation. */
const PATHS: [method: string, path: RegExp, operation: string, name?: string][] = [
  [
    "GET",
    /^\/backup-vaults\/([^/]+)\/recovery-points\/?$/,
    "ListRecoveryPointsByBackupVault",
    "BackupVaultName",
  ],
  ["PUT", /^\/restore-jobs$/, "StartRestoreJob"],
  ["GET", /^\/restore-jobs\/?$/, "ListRestoreJobs"],
  ["GET", /^\/restore-jobs\/([^/]+)$/, "DescribeRestoreJob", "RestoreJobId"],
  ["GET", /^\/restore-jobs\/([^/]+)\/metadata$/, "GetRestoreJobMetadata", "RestoreJobId"],
  ["PUT", /^\/copy-jobs$/, "StartCopyJob"],
  ["GET", /^\/copy-jobs\/?$/, "ListCopyJobs"],
  ["GET", /^\/copy-jobs\/([^/]+)$/, "DescribeCopyJob", "CopyJobId"],
];

/** Answers requests of the SDK. */
export function overHttp(backup: BackupDouble): Pick<AwsDouble, "handle"> {
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}): DoubleResponse => ({
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return {
    handle({ body, headers, method, path, query }) {
      const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers["authorization"] ?? "")?.[1] ?? "";
      for (const [verb, pattern, operation, name] of PATHS) {
        const match = pattern.exec(path);
        if (match === null || verb !== method) continue;
        const type = query.get("resourceType");
        const next = query.get("nextToken");
        const input = {
          ...(body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>)),
          ...(name !== undefined && { [name]: match[1] }),
          ...(type !== null && { ByResourceType: type }),
          ...(next !== null && { NextToken: next }),
        };
        try {
          return answer(200, backup.handle(region, operation, input));
        } catch (error) {
          if (!(error instanceof AwsFault)) throw error;
          return answer(error.status, { message: error.message }, { "x-amzn-errortype": error.code });
        }
      }
      return answer(
        404,
        { message: `${method} ${path}` },
        { "x-amzn-errortype": "UnknownOperationException" },
      );
    },
  };
}
