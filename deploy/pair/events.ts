import { DescribeEventsCommand, type ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { type Target } from "../../coordination/target";
import { ROLES, type Pair, type Role } from "./find";

export interface PairEvent {
  role: Role;
  /** Milliseconds since 1970. */
  at: number;
  severity: string;
  message: string;
}

/** Reads the events of both environments; returns each event once. */
export class EventStream {
  private readonly seen = new Set<string>();

  constructor(
    private readonly client: ElasticBeanstalkClient,
    private readonly target: Target,
    private readonly pair: Pair,
    private readonly since: number,
  ) {}

  /** Returns the events since the last call, oldest first. */
  async next(): Promise<PairEvent[]> {
    const events: PairEvent[] = [];
    let token: string | undefined;
    do {
      const page = await this.client.send(
        new DescribeEventsCommand({
          ApplicationName: this.target.application,
          StartTime: new Date(this.since),
          MaxRecords: 1000,
          NextToken: token,
        }),
      );
      for (const { EnvironmentName, EventDate, Message, Severity } of page.Events ?? []) {
        const role = ROLES.find((name) => this.pair[name].name === EnvironmentName);
        const key = `${EnvironmentName ?? ""} ${EventDate?.toISOString() ?? ""} ${Message ?? ""}`;
        if (role === undefined || EventDate === undefined || this.seen.has(key)) continue;
        this.seen.add(key);
        events.push({ role, at: EventDate.getTime(), severity: Severity ?? "INFO", message: Message ?? "" });
      }
      token = page.NextToken;
    } while (token !== undefined);
    return events.sort((a, b) => a.at - b.at);
  }
}
