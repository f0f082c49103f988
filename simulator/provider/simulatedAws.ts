import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { callFunction, createResource } from "../aws";
import type { Account as Place } from "../aws/model";
import type { Properties as PlainProperties } from "../document";
import { Account, AwsError, Properties } from "./account";
import { readBack, Setting, withDefaults } from "./beanstalkSettings";
import { Faults } from "./faults";
import { isReplacing } from "./replacement";
import { madeAlong } from "./requirements";
import { beforeCreate, beforeDelete, beforeUpdate } from "./rules";
import { isSuppressed, NAME_PROPERTIES, SECRET_PROPERTIES } from "./types";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/** The simulated AWS as the engine meets it: what a provider is asked, answered from the account. */
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
    const property = NAME_PROPERTIES[type];
    if (property === undefined || news[property] !== undefined) return news;
    const generated = `${name}-${randomBytes(4).toString("hex").slice(0, 7)}`;
    return { ...news, [property]: olds[property] ?? generated };
  }

  /** The properties that differ, and those of them that only a new resource can have. */
  diff(
    type: string,
    olds: Properties,
    news: Properties,
    ignored: string[],
  ): { changed: string[]; replacing: string[] } {
    const keys = new Set([...Object.keys(olds), ...Object.keys(news)]);
    const changed = [...keys].filter(
      (key) =>
        !ignored.includes(key) &&
        !isDeepStrictEqual(olds[key], news[key]) &&
        !isSuppressed(type, key, olds, news),
    );
    return { changed, replacing: changed.filter((key) => isReplacing(type, key, olds, news)) };
  }

  /** What a preview can tell of a resource that does not exist: its inputs, and `unknown` for the rest. */
  planCreate(type: string, name: string, inputs: Properties, unknown: string): Properties {
    const { state } = this.describe(type, name, inputs);
    const plan = Object.keys(state).map((key) => [key, key in inputs ? inputs[key] : unknown] as const);
    return { ...Object.fromEntries(plan), ...(inputs.tags !== undefined && { tagsAll: inputs.tags }) };
  }

  create(type: string, name: string, inputs: Properties): Promise<{ id: string; state: Properties }> {
    return this.faults.run("create", type, name, () => {
      // AWS never gives an id twice, not even for what was deleted.
      const { id, state } = this.describe(type, `${name} ${this.account.next()}`, inputs);
      beforeCreate(this.account, type, id, inputs);
      this.account.put({ type, id, inputs, state });
      for (const along of madeAlong(type, inputs)) {
        const made = { ...along, ...this.describe(along.type, name, along.inputs) };
        if (!this.account.find(made.type, made.id)) this.account.put(made);
      }
      return { id, state };
    });
  }

  /** What AWS tells now, or nothing where the resource is gone. */
  read(
    type: string,
    name: string,
    id: string,
  ): Promise<{ inputs: Properties; state: Properties } | undefined> {
    return this.faults.run("read", type, name, () => {
      const found = this.account.find(type, id);
      if (!found) return undefined;
      const { inputs, state } = found;
      // A secret that AWS does not tell cannot be read: what the state says of it stays.
      return { inputs: type === ENVIRONMENT ? { ...inputs, settings: state.settings } : inputs, state };
    });
  }

  /** Changes what differs between the old and the new inputs, and leaves alone what others have changed. */
  update(type: string, name: string, id: string, olds: Properties, news: Properties): Promise<Properties> {
    return this.faults.run("update", type, name, () => {
      const found = this.account.find(type, id);
      if (!found) throw new AwsError("ResourceNotFoundException", `${id} does not exist`);
      const inputs = { ...found.inputs };
      for (const key of this.diff(type, olds, news, []).changed) {
        if (key in news) inputs[key] = news[key];
        else Reflect.deleteProperty(inputs, key);
      }
      beforeUpdate(this.account, type, found.inputs, inputs);
      const { state: described } = this.describe(type, name, inputs);
      // What AWS generated at creation stays as it was; what follows from the inputs follows the new ones.
      const state: Properties = { ...described, ...found.state, ...inputs };
      if (inputs.tags !== undefined) state.tagsAll = inputs.tags;
      if (type === ENVIRONMENT) Object.assign(state, settingsOf(inputs));
      for (const key of Object.keys(found.inputs)) {
        if (!(key in inputs)) Reflect.deleteProperty(state, key);
      }
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

  secretProperties(type: string): string[] {
    return SECRET_PROPERTIES[type] ?? [];
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
  const tier = (inputs.tier as string | undefined) ?? "WebServer";
  // At a preview the settings can hold what is unknown, or be unknown as a whole.
  const settings = Array.isArray(inputs.settings) ? (inputs.settings as Setting[]) : [];
  return { settings: readBack(settings, tier), allSettings: withDefaults(settings, tier) };
}
