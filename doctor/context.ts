import { type DBInstance, DescribeDBInstancesCommand } from "@aws-sdk/client-rds";
import { DescribeEnvironmentsCommand, type EnvironmentDescription } from "@aws-sdk/client-elastic-beanstalk";
import { GetHostedZoneCommand, ListHostedZonesByNameCommand } from "@aws-sdk/client-route-53";
import {
  DescribeParametersCommand,
  paginateDescribeParameters,
  type ParameterMetadata,
} from "@aws-sdk/client-ssm";
import { errorName } from "../cli/awsErrors";
import { NotChecked } from "./errors";
import type { Clients } from "./clients";
import type { Dns } from "./dns";
import { listAvailabilityZones } from "./reads";
import type { Stack } from "./stack";

/** A public hosted zone of the account. */
export interface Zone {
  /** Such as `Z0123456789ABCDEFGHIJ`. */
  id: string;
  nameServers: string[];
}

export interface ContextArgs {
  stack: Stack;
  clients: Clients;
  dns: Dns;
  fetch: typeof fetch;
  now: Date;
}

/** Clients and shared answers of the checks; each answer is fetched once. */
export class Context {
  readonly stack: Stack;
  readonly clients: Clients;
  readonly dns: Dns;
  readonly fetch: typeof fetch;
  readonly now: Date;

  constructor(args: ContextArgs) {
    this.stack = args.stack;
    this.clients = args.clients;
    this.dns = args.dns;
    this.fetch = args.fetch;
    this.now = args.now;
  }

  /** True once `pulumi up` has created the stack: its first resources include the deployment parameter. */
  readonly exists = once(async (): Promise<boolean> => {
    const filter = { Key: "Name", Option: "Equals", Values: [this.stack.deploymentParameter] };
    // Reads the name only. A filter can give an empty page before the one with the match.
    let token: string | undefined;
    do {
      const page = await this.clients.ssm.send(
        new DescribeParametersCommand({ ParameterFilters: [filter], NextToken: token }),
      );
      if ((page.Parameters ?? []).length > 0) return true;
      token = page.NextToken;
    } while (token !== undefined);
    return false;
  });

  /** The stack's Beanstalk environments that exist, by name. */
  readonly environments = once(async (): Promise<Map<string, EnvironmentDescription>> => {
    const EnvironmentNames = this.stack.environments.map(({ name }) => name);
    const { Environments = [] } = await this.clients.beanstalk.send(
      new DescribeEnvironmentsCommand({ EnvironmentNames, IncludeDeleted: false }),
    );
    return new Map(Environments.map((environment) => [environment.EnvironmentName ?? "", environment]));
  });

  /** The database of the stack; undefined if there is none. */
  readonly database = once(async (): Promise<DBInstance | undefined> => {
    try {
      const { DBInstances = [] } = await this.clients.rds.send(
        new DescribeDBInstancesCommand({ DBInstanceIdentifier: this.stack.databaseIdentifier }),
      );
      return DBInstances[0];
    } catch (error) {
      if (/^DBInstanceNotFound(Fault)?$/.test(errorName(error))) return undefined;
      throw error;
    }
  });

  /** The SSM parameters with the stack's secrets, by the last part of their names. Reads no value. */
  readonly secrets = once(async (): Promise<Map<string, ParameterMetadata>> => {
    const { secretsPath } = this.stack;
    const filter = { Key: "Path", Option: "Recursive", Values: [secretsPath.replace(/\/$/, "")] };
    const found = new Map<string, ParameterMetadata>();
    const pages = paginateDescribeParameters({ client: this.clients.ssm }, { ParameterFilters: [filter] });
    for await (const { Parameters = [] } of pages)
      for (const one of Parameters) found.set((one.Name ?? "").slice(secretsPath.length), one);
    return found;
  });

  /** The availability zones that the account can use in the region, sorted. */
  readonly availabilityZones = once(() => listAvailabilityZones(this.clients));

  /** The account's public hosted zones with exactly the name of the settings. */
  readonly zones = once(async (): Promise<Zone[]> => {
    const { hostedZone } = this.stack;
    // Zones come in the order of their names, so those with this name come first.
    const { HostedZones = [] } = await this.clients.route53.send(
      new ListHostedZonesByNameCommand({ DNSName: hostedZone }),
    );
    const own = HostedZones.filter(
      ({ Name, Config }) => Name === `${hostedZone}.` && Config?.PrivateZone !== true,
    );
    return Promise.all(
      own.map(async ({ Id = "" }) => {
        const { DelegationSet } = await this.clients.route53.send(new GetHostedZoneCommand({ Id }));
        return { id: Id.replace("/hostedzone/", ""), nameServers: DelegationSet?.NameServers ?? [] };
      }),
    );
  });

  /** @throws NotChecked if there is not exactly one zone, which is a finding of another check. */
  async zone(): Promise<Zone> {
    const [zone, ...others] = await this.zones();
    if (zone === undefined || others.length > 0) {
      throw new NotChecked(`there is not exactly one hosted zone ${this.stack.hostedZone}`);
    }
    return zone;
  }
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => (answer ??= ask());
}
