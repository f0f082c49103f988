import {
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  SendCommandCommand,
} from "@aws-sdk/client-ssm";
import { errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { type LockedSession, type Session } from "../coordination/session";
import { Unfinished } from "../coordination/unfinished";
import { LIMITS } from "./session";

/**
 * The id of an instance of Iaso that runs commands of Systems Manager. Only the instances can connect to the database.
 *
 * @throws UserError if there is none: instances take commands only with the setting `shellAccess`
 */
export async function findInstance({ clients, env }: Session): Promise<string> {
  const { InstanceInformationList } = await clients.ssm.send(
    new DescribeInstanceInformationCommand({
      Filters: [
        { Key: "tag:project", Values: ["iaso"] },
        { Key: "tag:env", Values: [env] },
        { Key: "tag:role", Values: ["web", "worker"] },
      ],
    }),
  );
  const found = InstanceInformationList?.find(({ PingStatus }) => PingStatus === "Online")?.InstanceId;
  if (found !== undefined) return found;
  throw new UserError(
    `No instance of ${env} can count the rows of the restored database: only instances with shell access run commands.`,
    "pulumi config set iaso:shellAccess true, and pulumi up; or go on without seeing the rows: --without-row-count",
  );
}

export interface InstanceCommand {
  /** The lines of the script. */
  commands: string[];
  /** The purpose, in words. Systems Manager shows the first 100 characters. */
  what: string;
  /** Milliseconds. */
  limit: number;
}

/**
 * Runs a script on an instance as root, by Systems Manager's Run Command, and returns its standard output.
 *
 * @throws Unfinished if it fails or takes too long
 */
export async function runOnInstance(
  session: LockedSession,
  instanceId: string,
  { commands, limit, what }: InstanceCommand,
): Promise<string> {
  const { clients, clock } = session;
  const { Command } = await clients.ssm.send(
    new SendCommandCommand({
      DocumentName: "AWS-RunShellScript",
      InstanceIds: [instanceId],
      Comment: what.slice(0, 100),
      Parameters: { commands, executionTimeout: [String(limit / 1000)] },
    }),
  );
  const deadline = clock.now() + limit;
  for (;;) {
    session.lock.requireHeld();
    await clock.sleep(LIMITS.poll);
    const answer = await invocation(session, instanceId, Command?.CommandId);
    if (answer?.status === "Success") return answer.output;
    const ended = answer !== undefined && !/^(Pending|InProgress|Delayed)$/.test(answer.status);
    if (ended) throw new Unfinished(`${what} failed: ${answer.error}`);
    if (clock.now() >= deadline || session.interrupted()) {
      throw new Unfinished(`${what} did not end in time.`);
    }
  }
}

async function invocation(
  { clients }: Session,
  InstanceId: string,
  CommandId: string | undefined,
): Promise<{ status: string; output: string; error: string } | undefined> {
  try {
    const answer = await clients.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId }));
    const error = (answer.StandardErrorContent ?? "").trim().split("\n").at(-1) ?? "";
    return {
      status: answer.Status ?? "",
      output: answer.StandardOutputContent ?? "",
      error: error === "" ? (answer.StatusDetails ?? "") : error,
    };
  } catch (error) {
    // Systems Manager does not show a new command at once.
    if (errorName(error) === "InvocationDoesNotExist") return undefined;
    throw error;
  }
}
