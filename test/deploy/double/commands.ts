import { type Time } from "./clocks";
import { AwsFault, itemsOf, structuresOf, type Xml } from "./protocol";
import { extensionsOf, type Rds, type SimulatedDatabase } from "./rds";

interface Invocation {
  id: string;
  visibleAt: number;
  endsAt: number;
  script: string;
}

/** Run Command of Systems Manager, for the script that inspects a database. */
export class Commands {
  /** Instances that take commands: those with shell access. */
  online = ["i-0000000000000web"];
  /** The password that Iaso's instances have. */
  password = "the-password";
  private readonly invocations: Invocation[] = [];

  constructor(
    private readonly time: Time,
    private readonly rds: Rds,
  ) {}

  /** @throws AwsFault as Systems Manager does */
  handle(operation: string, form: URLSearchParams): Xml {
    switch (operation) {
      case "DescribeInstanceInformation": {
        const unknown = structuresOf(form, "Filters").find(
          (filter) => !filter.get("Key")?.startsWith("tag:"),
        );
        if (unknown !== undefined) throw new AwsFault("InvalidFilterKey", "");
        return {
          InstanceInformationList: this.online.map((InstanceId) => ({ InstanceId, PingStatus: "Online" })),
        };
      }
      case "SendCommand":
        return this.send(form);
      case "GetCommandInvocation":
        return this.show(form);
      default:
        throw new AwsFault("InvalidAction", `The double of Systems Manager has no ${operation}.`);
    }
  }

  private factsOf({ attributes, extensions, obstacles, postgisError }: SimulatedDatabase): string {
    const available = extensionsOf(String(attributes.EngineVersion));
    const lines = [
      ...Object.entries(extensions).map(
        ([name, version]) => `extension ${name} ${version} ${available[name] ?? "none"}`,
      ),
      ...Object.entries(obstacles).map(([name, count]) => `obstacle ${name} ${count}`),
      ...(postgisError === undefined ? [] : [`postgis-error ${postgisError}`]),
    ];
    return lines.map((line) => `${line}\n`).join("");
  }

  private send(form: URLSearchParams): Xml {
    const [instance = ""] = itemsOf(form, "InstanceIds");
    if (!this.online.includes(instance))
      throw new AwsFault("InvalidInstanceId", `Instances ${instance} not in a valid state`);
    if (form.get("DocumentName") !== "AWS-RunShellScript") throw new AwsFault("InvalidDocument", "");
    const [script = ""] = itemsOf(form, "Parameters.commands");
    const id = String(this.invocations.length + 1).padStart(36, "0");
    const { now } = this.time;
    this.invocations.push({ id, script, visibleAt: now + 3_000, endsAt: now + 40_000 });
    return { Command: { CommandId: id, Status: "Pending" } };
  }

  private show(form: URLSearchParams): Xml {
    const found = this.invocations.find(({ id }) => id === form.get("CommandId"));
    if (found === undefined || found.visibleAt > this.time.now) {
      throw new AwsFault("InvocationDoesNotExist", "");
    }
    if (found.endsAt > this.time.now) return { Status: "InProgress", StatusDetails: "InProgress" };
    const host = /RDS_HOSTNAME=(\S+)/.exec(found.script)?.[1] ?? "";
    const database = this.rds.connect(host);
    if (database === undefined || database.password !== this.password) {
      const why = database === undefined ? "could not connect" : "password authentication failed";
      return {
        Status: "Failed",
        StatusDetails: "Failed",
        StandardErrorContent: `Traceback\n${host}: ${why}`,
      };
    }
    const rows = Object.entries(this.rds.rowsOf(database)).map(
      ([table, count]) => `rows ${table} ${count}\n`,
    );
    return {
      Status: "Success",
      StatusDetails: "Success",
      StandardOutputContent: `${this.factsOf(database)}${rows.join("")}inspected\n`,
    };
  }
}
