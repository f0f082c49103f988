import { createServer, Server } from "node:http";
import { PLATFORM_BRANCHES } from "../../policies/facts/platformBranches";
import { SOLUTION_STACKS } from "../../simulated-aws/elasticbeanstalk";
import { toXml, Xml } from "../deploy/double/protocol";
import { listen } from "../http";

/** Elastic Beanstalk on loopback, as far as it tells which platform versions an account can use. */
export class BeanstalkDouble {
  solutionStacks: string[] = [...SOLUTION_STACKS];
  /** State by branch, as AWS writes it. AWS lists no other branch. */
  readonly branches = new Map(
    Object.entries(PLATFORM_BRANCHES).map(([name, { retires }]) => [
      name,
      retires === undefined ? "Supported" : "Retired",
    ]),
  );
  /** True if the credentials lack all permissions. */
  isDenied = false;
  private server: Server | undefined;

  /** Serves the double and returns the variables that point the AWS SDK at it. */
  async start(): Promise<Record<string, string>> {
    const server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        const target = incoming.headers["x-amz-target"];
        if (target !== undefined) {
          const { status, json } = this.answerJson(
            String(target).split(".").at(-1) ?? "",
            JSON.parse(body) as Record<string, unknown>,
          );
          outgoing
            .writeHead(status, { "content-type": "application/x-amz-json-1.1" })
            .end(JSON.stringify(json));
          return;
        }
        const form = new URLSearchParams(body);
        const action = form.get("Action") ?? "";
        const answer = this.answer(action, form);
        const xml =
          answer === undefined
            ? toXml({ ErrorResponse: { Error: { Code: this.refusal(), Message: `refused ${action}` } } })
            : toXml({ [`${action}Response`]: { [`${action}Result`]: answer } });
        outgoing.writeHead(answer === undefined ? 403 : 200, { "content-type": "text/xml" }).end(xml);
      });
    });
    const port = await listen(server);
    this.server = server;
    return {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
      AWS_EC2_METADATA_DISABLED: "true",
    };
  }

  stop(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }

  /** The answer of an action of a service with the JSON protocol. */
  protected answerJson(action: string, input: Record<string, unknown>): { status: number; json: object } {
    const names = Object.keys(input).join(", ");
    return {
      status: 400,
      json: { __type: "UnknownOperationException", message: `refused ${action} ${names}` },
    };
  }

  protected refusal(): string {
    return this.isDenied ? "AccessDenied" : "InvalidAction";
  }

  /** The answer of an action; undefined if the double refuses it. */
  protected answer(action: string, form: URLSearchParams): Xml | undefined {
    if (this.isDenied) return undefined;
    if (action === "ListAvailableSolutionStacks") return { SolutionStacks: this.solutionStacks };
    if (action !== "ListPlatformBranches") return undefined;
    const filter = ["Attribute", "Operator"].map((part) => form.get(`Filters.member.1.${part}`));
    if (filter.join(" ") !== "BranchName =") return undefined;
    const name = form.get("Filters.member.1.Values.member.1") ?? "";
    const state = this.branches.get(name);
    return {
      PlatformBranchSummaryList: state === undefined ? [] : [{ BranchName: name, LifecycleState: state }],
    };
  }
}
