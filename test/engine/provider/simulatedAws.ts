import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { callFunction, createResource } from "../../../simulated-aws";
import type { Account as Place } from "../../../simulated-aws/model";
import type { Properties as PlainProperties } from "../../../graph/document";
import { Account, AwsError, Properties } from "./account";
import { readBack, Setting, withDefaults } from "./beanstalkSettings";
import { Faults, Made } from "./faults";
import { Tier } from "../../../policies/facts/beanstalkOptions";
import { isReplacing } from "../../../policies/facts/replacement";
import { RESOURCE_TYPES } from "../../../policies/facts/resourceTypes";
import { createdWith } from "./requirements";
import { beforeCreate, beforeDelete, beforeUpdate } from "./rules";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/** What the engine knows of a resource. */
export interface Known {
  inputs: Properties;
  state: Properties;
}

/** What a change is about. */
export interface Differences {
  changed: string[];
  /** Those of them that only a new resource can have. */
  replacing: string[];
  /** Whether the old resource must go first, because the new one gets a name that is the program's own choice. */
  deleteBeforeReplace: boolean;
}

/**
 * The simulated AWS as the engine meets it: what a provider is asked, answered from the account.
 *
 * Option settings of Beanstalk come back as AWS writes them, and the program must write them so. Everything else
 * comes back as it was put. AWS writes some of that in other ways too (the keys of a policy in another order, sets
 * sorted, the days of a window in lower case); the real provider takes those for the same, so no difference is lost.
 */
export class SimulatedAws {
  constructor(
    private readonly account: Account,
    private readonly faults: Faults,
    private readonly place: Place,
  ) {}

  /** Refuses a provider that may not act on this account, as the real one does. */
  configure(settings: Properties): void {
    const { allowedAccountIds } = settings;
    if (allowedAccountIds === undefined) return;
    const allowed: unknown =
      typeof allowedAccountIds === "string" ? JSON.parse(allowedAccountIds) : allowedAccountIds;
    if (!(allowed as string[]).includes(this.place.accountId)) {
      throw new AwsError("AccountNotAllowed", `AWS account ID not allowed: ${this.place.accountId}`);
    }
  }

  /** The inputs, with a generated name where the program gives none. */
  check(type: string, name: string, olds: Properties, news: Properties): Properties {
    const property = RESOURCE_TYPES[type]?.name?.property;
    if (property === undefined || news[property] !== undefined) return news;
    const generated = `${name}-${randomBytes(4).toString("hex").slice(0, 7)}`;
    return { ...news, [property]: olds[property] ?? generated };
  }

  /**
   * How the new inputs differ from the old state, as in pulumi-terraform-bridge: what others have changed and the
   * state knows of is a difference, though the program still says the same.
   */
  diff(type: string, name: string, known: Known, news: Properties, ignored: string[]): Differences {
    const keys = [...new Set([...Object.keys(known.inputs), ...Object.keys(news)])];
    const olds = Object.fromEntries(keys.map((key) => [key, before(known, news, key)]));
    const changed = keys.filter(
      (key) =>
        !ignored.includes(key) &&
        !isDeepStrictEqual(olds[key], news[key]) &&
        !isSuppressed(type, key, olds, news),
    );
    const replacing = changed.filter((key) => isReplacing(type, key, olds, news));
    const chosen = news[RESOURCE_TYPES[type]?.name?.property ?? ""];
    const deleteBeforeReplace = replacing.length > 0 && chosen !== undefined && !isGenerated(name, chosen);
    return { changed, replacing, deleteBeforeReplace };
  }

  /** What a preview can tell of a resource that does not exist: its inputs, and `unknown` for the rest. */
  planCreate(type: string, name: string, inputs: Properties, unknown: string): Properties {
    const { state } = this.describe(type, name, inputs);
    const plan = Object.keys(state).map((key) => [key, key in inputs ? inputs[key] : unknown] as const);
    return { ...Object.fromEntries(plan), ...(inputs.tags !== undefined && { tagsAll: inputs.tags }) };
  }

  create(type: string, name: string, inputs: Properties): Promise<Made> {
    return this.faults.run("create", type, name, () => {
      // AWS never gives an id twice, not even for what was deleted.
      const { id, state } = this.describe(type, `${name} ${this.account.next()}`, inputs);
      beforeCreate(this.account, type, id, inputs);
      this.account.put({ type, id, inputs, state });
      for (const along of createdWith(type, inputs)) {
        const made = { ...along, ...this.describe(along.type, name, along.inputs) };
        if (!this.account.find(made.type, made.id)) this.account.put(made);
      }
      return { id, inputs, state };
    });
  }

  /** What AWS tells now, or nothing where the resource is gone. What AWS never tells is as the engine knows it. */
  read(type: string, name: string, id: string, known: Known): Promise<Known | undefined> {
    return this.faults.run("read", type, name, () => {
      const found = this.account.find(type, id);
      if (!found) return undefined;
      const { inputs, state } = found;
      const secrets = RESOURCE_TYPES[type]?.writeOnly ?? [];
      return {
        inputs: {
          ...without(inputs, secrets),
          ...only(known.inputs, secrets),
          ...(type === ENVIRONMENT && { settings: state.settings }),
        },
        state: { ...without(state, secrets), ...only(known.state, secrets) },
      };
    });
  }

  /** Changes what differs between the old state and the new inputs, and leaves alone what others have changed. */
  update(
    type: string,
    name: string,
    id: string,
    known: Known,
    news: Properties,
    ignored: string[],
  ): Promise<Properties> {
    return this.faults.run("update", type, name, () => {
      const found = this.account.find(type, id);
      if (!found) throw new AwsError("ResourceNotFoundException", `${id} does not exist`);
      const { changed } = this.diff(type, name, known, news, ignored);
      const inputs = { ...without(found.inputs, changed), ...only(news, changed) };
      beforeUpdate(this.account, type, found.inputs, inputs);
      // What AWS generated at creation is the same in both, so it stays. What follows from the inputs differs.
      const was = this.describe(type, name, found.inputs).state;
      const is = this.describe(type, name, inputs).state;
      const differing = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
        (key) => !isDeepStrictEqual(was[key], is[key]),
      );
      const state = { ...without(found.state, differing), ...only(is, differing) };
      this.account.put({ type, id, inputs, state });
      return state;
    });
  }

  /** Deleting what is gone already is no error. */
  delete(type: string, name: string, id: string): Promise<void> {
    return this.faults.run("delete", type, name, () => {
      const found = this.account.find(type, id);
      if (!found) return;
      beforeDelete(this.account, found);
      this.account.remove(type, id);
    });
  }

  invoke(token: string, args: Properties): Properties {
    return callFunction(token, args as PlainProperties, this.place);
  }

  secretProperties(type: string): readonly string[] {
    return RESOURCE_TYPES[type]?.secrets ?? [];
  }

  private describe(type: string, name: string, inputs: Properties): { id: string; state: Properties } {
    const { id, outputs } = createResource(type, {
      ...this.place,
      name,
      inputs: inputs as PlainProperties,
    });
    const state: Properties = {
      region: this.place.region,
      ...(inputs.tags !== undefined && { tagsAll: inputs.tags }),
      ...outputs,
      ...inputs,
      ...(type === ENVIRONMENT && settingsOf(inputs)),
    };
    return { id, state };
  }
}

function settingsOf(inputs: Properties): Properties {
  const tier = (inputs.tier as Tier | undefined) ?? "WebServer";
  // At a preview the settings can hold what is unknown, or be unknown as a whole.
  const settings = Array.isArray(inputs.settings) ? (inputs.settings as Setting[]) : [];
  return { settings: readBack(settings, tier), allSettings: withDefaults(settings, tier) };
}

/** What a new input is compared with. */
function before({ inputs, state }: Known, news: Properties, key: string): unknown {
  // A property that the program no longer names can stay in the state, where AWS has a value of its own for it.
  return key in news && key in state ? state[key] : inputs[key];
}

function isGenerated(name: string, value: unknown): boolean {
  return typeof value === "string" && value.startsWith(`${name}-`) && /-[0-9a-f]{7}$/.test(value);
}

function only(properties: Properties, keys: readonly string[]): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => keys.includes(key)));
}

function without(properties: Properties, keys: readonly string[]): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !keys.includes(key)));
}

/**
 * True if the provider ignores the change: RDS storage that has grown by itself is more than the program says.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/db_instance#storage-autoscaling
 */
function isSuppressed(type: string, property: string, olds: Properties, news: Properties): boolean {
  if (type !== "aws:rds/instance:Instance" || property !== "allocatedStorage") return false;
  const [was, is, most] = [olds.allocatedStorage, news.allocatedStorage, news.maxAllocatedStorage ?? 0];
  return (is as number) < (was as number) && (is as number) < (most as number);
}
