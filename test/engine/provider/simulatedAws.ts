import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { callFunction, createResource } from "../../../simulated-aws";
import type { AccountRegion } from "../../../simulated-aws/model";
import type { Properties as PlainProperties } from "../../../graph/document";
import { Account, AwsError, Properties } from "./account";
import { readBack, Setting, withDefaults } from "./beanstalkSettings";
import { Faults, CreatedResource } from "./faults";
import { Tier } from "../../../policies/facts/beanstalkOptions";
import { isReplacing } from "../../../policies/facts/replacement";
import { RESOURCE_TYPES } from "../../../policies/facts/resourceTypes";
import { createdWith } from "./requirements";
import { beforeCreate, beforeDelete, beforeUpdate, restoredProperties } from "./rules";
import { FILLED } from "./defaults";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/** A resource as the engine has it in its state. */
export interface Known {
  inputs: Properties;
  state: Properties;
}

/** The differences between a resource in the state and its new inputs. */
export interface Differences {
  changed: string[];
  /** The changed properties that replace the resource. */
  replacing: string[];
  /** True if the old resource must be deleted first, because the program sets the name of both. */
  deleteBeforeReplace: boolean;
}

/**
 * The simulated AWS behind a Pulumi provider: it answers the provider's calls from the account.
 *
 * Option settings of Beanstalk are returned as AWS writes them. All other properties are returned as they were given:
 * AWS writes some of them in another form too (keys of a policy in another order, sorted sets, lower-case days of a
 * window), but the real provider suppresses those differences.
 */
export class SimulatedAws {
  constructor(
    private readonly account: Account,
    private readonly faults: Faults,
    private readonly place: AccountRegion,
  ) {}

  /**
   * Checks the configuration of the provider.
   *
   * @throws AwsError if `allowedAccountIds` does not allow this account.
   */
  configure(settings: Properties): void {
    const { allowedAccountIds } = settings;
    if (allowedAccountIds === undefined) return;
    const allowed: unknown =
      typeof allowedAccountIds === "string" ? JSON.parse(allowedAccountIds) : allowedAccountIds;
    if (!(allowed as string[]).includes(this.place.accountId)) {
      throw new AwsError("AccountNotAllowed", `AWS account ID not allowed: ${this.place.accountId}`);
    }
  }

  /** Returns the inputs with the provider's defaults, and with a generated name if the program sets none. */
  check(type: string, name: string, olds: Properties, news: Properties): Properties {
    const filled = Object.entries(FILLED[type] ?? {}).filter(([key]) => news[key] === undefined);
    const inputs: Properties =
      filled.length === 0
        ? news
        : { ...news, ...Object.fromEntries(filled), __defaults: filled.map(([key]) => key) };
    const property = RESOURCE_TYPES[type]?.name?.property;
    if (property === undefined || news[property] !== undefined) return inputs;
    const generated = `${name}-${randomBytes(4).toString("hex").slice(0, 7)}`;
    return { ...inputs, [property]: olds[property] ?? generated };
  }

  /**
   * Compares the new inputs with the old state, as pulumi-terraform-bridge does: a change that others made is a
   * difference once a refresh has put it into the state, even if the inputs are the same.
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

  /** Returns the state of a resource at a preview: its inputs, and `unknown` for all outputs. */
  planCreate(type: string, name: string, inputs: Properties, unknown: string): Properties {
    const { state } = this.describe(type, name, inputs);
    const plan = Object.keys(state).map((key) => [key, key in inputs ? inputs[key] : unknown] as const);
    return { ...Object.fromEntries(plan), ...(inputs.tags !== undefined && { tagsAll: inputs.tags }) };
  }

  /**
   * Creates a resource.
   *
   * @throws AwsError if AWS refuses it.
   */
  create(type: string, name: string, inputs: Properties): Promise<CreatedResource> {
    return this.faults.run("create", type, name, () => {
      // AWS never reuses an id, not even one of a deleted resource.
      const { id, state } = this.describe(type, `${name} ${this.account.next()}`, inputs);
      beforeCreate(this.account, type, id, inputs);
      const restored = restoredProperties(this.account, type, inputs);
      Object.assign(state, restored);
      this.account.put({ type, id, inputs: { ...inputs, ...restored }, state });
      for (const other of createdWith(type, inputs)) {
        const created = { ...other, ...this.describe(other.type, name, other.inputs) };
        if (!this.account.find(created.type, created.id)) this.account.put(created);
      }
      return { id, inputs, state };
    });
  }

  /** Returns the resource as AWS has it, or undefined if it is gone. Write-only properties come from the engine. */
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

  /**
   * Updates the properties that differ between the old state and the new inputs; changes that others made remain.
   *
   * @throws AwsError if AWS refuses it.
   */
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
      // Generated outputs are the same in both, so they remain. Outputs that follow from the inputs differ.
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

  /**
   * Deletes a resource; a resource that is gone already is no error.
   *
   * @throws AwsError if AWS refuses it.
   */
  delete(type: string, name: string, id: string): Promise<void> {
    return this.faults.run("delete", type, name, () => {
      const found = this.account.find(type, id);
      if (!found) return;
      beforeDelete(this.account, found);
      this.account.remove(type, id);
    });
  }

  /** Returns the result of a function such as `aws:route53/getZone:getZone`. */
  invoke(token: string, args: Properties): Properties {
    return callFunction(token, args as PlainProperties, this.place);
  }

  /** Returns the outputs of a type that are always secret. */
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
  // At a preview, one value or all settings can be unknown.
  const settings = Array.isArray(inputs.settings) ? (inputs.settings as Setting[]) : [];
  return { settings: readBack(settings, tier), allSettings: withDefaults(settings, tier) };
}

/** Returns the value with which a new input is compared. */
function before({ inputs, state }: Known, news: Properties, key: string): unknown {
  // A property that the program no longer sets can remain in the state with AWS's own value.
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
