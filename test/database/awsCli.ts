import { UserError } from "../../cli/userError";
import { type Session } from "../../database/session";
import { KILL, SILENCE } from "../deploy/double/aws";
import { AwsFault } from "../deploy/double/protocol";
import { never, type Process } from "../deploy/double/transport";

type Input = Record<string, unknown>;

/** The AWS CLI: its calls are faulted like those of the SDK. */
export function awsCliOf(
  services: Record<string, { handle: (region: string, operation: string, input: Input) => unknown }>,
  process: Process,
): Session["aws"] {
  return async (region, [service = "", command = ""], input) => {
    await Promise.resolve();
    if (process.dead) return never();
    const operation = command.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
    let answer: unknown;
    try {
      answer = process.double.arrive(service, operation, () =>
        services[service]?.handle(region, operation, input as Input),
      );
    } catch (error) {
      if (!(error instanceof AwsFault)) throw error;
      // As the AWS CLI prints it, and cli/awsCli.ts reports it.
      const { code, message } = error;
      throw new UserError(
        `aws ${service} ${command} failed: An error occurred (${code}) when calling the ${operation} operation: ${message}`,
        "Fix what the message names, then run the command again.",
      );
    }
    if (answer === KILL) {
      process.dead = true;
      process.onKill();
      return never();
    }
    if (answer === SILENCE) throw new Error("aws got no answer");
    return JSON.parse(JSON.stringify(answer)) as unknown;
  };
}
