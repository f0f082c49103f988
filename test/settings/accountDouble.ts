import { Xml } from "../deploy/double/protocol";
import { BeanstalkDouble } from "./beanstalkDouble";

interface Parameter {
  type: string;
  value: string;
  tags: Record<string, string>;
  version: number;
}

/** Standard parameters take so many bytes. */
const MAXIMUM_BYTES = 4096;
/** Fewer than AWS's 50, so that reading all needs several pages. */
const PAGE = 3;

/** An AWS account on loopback as `init-stack` uses it: platform versions, SSM's Parameter Store, STS and RDS. */
export class AccountDouble extends BeanstalkDouble {
  accountId = "123456789012";
  /** SSM parameters by name. */
  readonly parameters = new Map<string, Parameter>();
  /** Passwords of databases by identifier; undefined while RDS manages one. */
  readonly databases = new Map<string, string | undefined>();
  /** The actions of all calls for parameters, in their order. */
  readonly calls: string[] = [];
  private error = "InvalidAction";

  protected override refusal(): string {
    return this.isDenied ? "AccessDenied" : this.error;
  }

  protected override answer(action: string, form: URLSearchParams): Xml | undefined {
    this.error = "InvalidAction";
    if (action === "GetCallerIdentity") {
      return { Account: this.accountId, Arn: `arn:aws:iam::${this.accountId}:user/admin`, UserId: "A" };
    }
    if (!/DBInstances?$/.test(action)) return super.answer(action, form);
    const identifier = form.get("DBInstanceIdentifier") ?? "";
    if (!this.databases.has(identifier)) return this.refuse("DBInstanceNotFound");
    if (action === "ModifyDBInstance") {
      const password = form.get("MasterUserPassword");
      const isManaged = this.databases.get(identifier) === undefined;
      // RDS takes a password only for a database whose password it does not manage, or from then on does not.
      if ((form.get("ManageMasterUserPassword") === "false") !== isManaged || password === null)
        return this.refuse("InvalidParameterCombination");
      if (!/^[\x21-\x7e]{8,128}$/.test(password) || /[/@"]/.test(password))
        return this.refuse("InvalidParameterValue");
      this.databases.set(identifier, password);
    }
    const secret = { SecretArn: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1" };
    const instance: Xml = {
      DBInstanceIdentifier: identifier,
      ...(this.databases.get(identifier) === undefined && { MasterUserSecret: secret }),
    };
    return action === "ModifyDBInstance"
      ? { DBInstance: instance }
      : { DBInstances: { DBInstance: instance } };
  }

  private refuse(code: string): Xml | undefined {
    this.error = code;
    return undefined;
  }

  protected override answerJson(action: string, input: Record<string, unknown>) {
    this.calls.push(action);
    const fault = (__type: string) => ({ status: 400, json: { __type, message: `${action} refused` } });
    if (this.isDenied) return fault("AccessDeniedException");
    const name = String(input.Name);
    const known = this.parameters.get(name);
    switch (action) {
      case "PutParameter": {
        const {
          Value: value,
          Type: type,
          Overwrite: overwrites = false,
          Tags: tags,
        } = input as {
          Value: string;
          Type?: string;
          Overwrite?: boolean;
          Tags?: { Key: string; Value: string }[];
        };
        const size = Buffer.byteLength(value);
        if (!/^(\/[\w.-]+)+$/.test(name) || size === 0 || size > MAXIMUM_BYTES || (overwrites && tags))
          return fault("ValidationException");
        if (known !== undefined && !overwrites) return fault("ParameterAlreadyExists");
        if (known === undefined && type === undefined) return fault("ValidationException");
        const version = (known?.version ?? 0) + 1;
        this.parameters.set(name, {
          value,
          type: type ?? known?.type ?? "",
          tags: Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key, Value])),
          version,
        });
        return { status: 200, json: { Version: version, Tier: "Standard" } };
      }
      case "GetParameter":
        if (known === undefined) return fault("ParameterNotFound");
        return {
          status: 200,
          json: {
            Parameter: {
              Name: name,
              Type: known.type,
              Value:
                input.WithDecryption === true || known.type !== "SecureString"
                  ? known.value
                  : "AQICAHencrypted",
            },
          },
        };
      case "DescribeParameters": {
        const [filter] = input.ParameterFilters as { Key: string; Option: string; Values: string[] }[];
        if (
          filter?.Key !== "Path" ||
          filter.Option !== "OneLevel" ||
          filter.Values[0]?.endsWith("/") !== false
        )
          return fault("InvalidFilterKey");
        const path = `${filter.Values[0]}/`;
        const found = [...this.parameters]
          .filter(([one]) => one.startsWith(path) && !one.slice(path.length).includes("/"))
          .map(([Name, { type: Type }]) => ({ Name, Type }));
        const start = Number(input.NextToken ?? 0);
        const end = start + PAGE;
        return {
          status: 200,
          json: {
            Parameters: found.slice(start, end),
            ...(end < found.length && { NextToken: String(end) }),
          },
        };
      }
      default:
        return fault("UnknownOperationException");
    }
  }
}
