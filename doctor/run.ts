import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { UserError } from "../cli/userError";
import { describeError, errorName } from "../cli/awsErrors";
import { Unreachable, MissingPermission, NotChecked } from "./errors";
import { type Check, type Finding, type Phase } from "./check";
import type { Context } from "./context";

/** The outcome of one check. */
export interface CheckReport {
  name: string;
  phase: Phase;
  /** "not checked" if an answer is missing, "not yet" for a check-up of a stack that does not exist. */
  status: "ok" | "problem" | "not checked" | "not yet";
  findings: Finding[];
  /** Observed facts, or the reason why it was not checked. */
  detail?: string;
  /** The IAM action that the credentials lack. */
  missingPermission?: string;
  /** True if AWS, DNS or another host did not answer or failed. */
  unreachable?: true;
}

/** Checks that run at the same time. */
const PARALLEL = 8;

/** Error names of credentials that AWS does not accept, or of none. */
const CREDENTIALS =
  /^(CredentialsProviderError|TokenProviderError|ExpiredToken(Exception)?|InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|SignatureDoesNotMatch)$/;

/**
 * Runs checks against an account and returns their reports in the order given.
 *
 * The first report is about the account itself. If the credentials are for another account than the settings, every
 * other check would query the wrong account, so none of them runs.
 * @throws UserError if the credentials are missing or refused, or AWS cannot be reached.
 */
export async function runChecks(context: Context, checks: readonly Check[]): Promise<CheckReport[]> {
  const account = await checkAccount(context);
  if (account.status === "problem") {
    const detail = "the credentials are for another account";
    return [account, ...checks.map((check) => report(check, { status: "not checked", detail }))];
  }
  const reports: CheckReport[] = [];
  const queue = checks.entries();
  const work = async (): Promise<void> => {
    for (const [index, check] of queue) reports[index] = await runCheck(context, check);
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return [account, ...reports];
}

/** The exit code: 1 if there is a problem, 2 if a host did not answer a check, else 0. */
export function exitCodeOf(reports: readonly CheckReport[]): 0 | 1 | 2 {
  if (reports.some(({ status }) => status === "problem")) return 1;
  return reports.some(({ unreachable }) => unreachable === true) ? 2 : 0;
}

async function checkAccount({ clients, stack }: Context): Promise<CheckReport> {
  const check = { name: "AWS account", phase: "preflight" } as const;
  let account: string;
  try {
    const { Account = "" } = await clients.sts.send(new GetCallerIdentityCommand({}));
    account = Account;
  } catch (error) {
    throw cannotStart(error);
  }
  if (account === stack.accountId) return report(check, { status: "ok", detail: account });
  return report(check, {
    status: "problem",
    findings: [
      {
        wrong: `The credentials are for the account ${account}; the stack ${stack.name} is for ${stack.accountId}.`,
        why: "Pulumi refuses to act on another account.",
        fix: `Sign in to ${stack.accountId}: export AWS_PROFILE=PROFILE. Or correct the setting: ${stack.setCommand("accountId")} ${account}`,
      },
    ],
  });
}

function cannotStart(error: unknown): UserError {
  const cause = error instanceof Unreachable ? error.cause : error;
  if (CREDENTIALS.test(errorName(cause))) {
    return new UserError(
      `AWS does not accept the credentials, or there are none: ${describeError(cause)}`,
      "Sign in to AWS, for example: aws sso login; export AWS_PROFILE=PROFILE",
      { cause },
    );
  }
  if (!(error instanceof Unreachable)) {
    return new UserError(
      `AWS does not say whose the credentials are: ${describeError(cause)}`,
      "Ask it yourself: aws sts get-caller-identity",
      { cause },
    );
  }
  return new UserError(
    `AWS cannot be reached: ${describeError(cause)}`,
    "Check the network connection, and AWS_ENDPOINT_URL if it is set.",
    { cause },
  );
}

async function runCheck(context: Context, check: Check): Promise<CheckReport> {
  try {
    if (check.phase === "check-up" && !(await context.exists())) {
      return report(check, { status: "not yet", detail: "the stack does not exist yet" });
    }
    const { findings, detail } = await check.check(context);
    return report(check, { status: findings.length === 0 ? "ok" : "problem", findings, detail });
  } catch (error) {
    return notChecked(check, error);
  }
}

function notChecked(check: Check, error: unknown): CheckReport {
  const status = "not checked";
  if (error instanceof MissingPermission) {
    return report(check, { status, detail: error.message, missingPermission: error.action });
  }
  if (error instanceof NotChecked) {
    return report(check, {
      status,
      detail: error.message,
      ...(error instanceof Unreachable && { unreachable: true }),
    });
  }
  // An unknown answer does not show whether there is a problem.
  return report(check, { status, detail: describeError(error), unreachable: true });
}

function report(
  { name, phase }: Pick<Check, "name" | "phase">,
  outcome: Partial<CheckReport> & Pick<CheckReport, "status">,
): CheckReport {
  return { name, phase, findings: [], ...outcome };
}
