import { defineRule } from "../../rule";
import { array, at, demand, text } from "../../values";

/** A test of a parameter's value, and the value to write. */
interface SafeValue {
  isSafe: (value: string) => boolean;
  instead: string;
}

const anyOf = (...values: string[]): SafeValue => ({
  isSafe: (value) => values.includes(value),
  instead: values.join(" or "),
});

/** A time in milliseconds from which PostgreSQL logs a statement with its data. */
const SLOW: SafeValue = {
  isSafe: (value) => value === "-1" || (Number(value) >= 100 && Number(value) <= 600_000),
  instead: "100 to 600000 ms: statements contain data of people",
};

/** The modules that RDS can preload, of those that write no statement beyond what their parameters say. */
const MODULES = ["auto_explain", "pg_cron", "pg_stat_statements", "pgaudit"];

/**
 * Parameters of PostgreSQL with values that are unsafe, or that RDS refuses.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
 */
const PARAMETERS: Record<string, SafeValue> = {
  autovacuum: { isSafe: (value) => value === "1", instead: "1: without it, tables grow until writes stop" },
  "auto_explain.log_min_duration": SLOW,
  "auto_explain.log_parameter_max_length": anyOf("0"),
  fsync: anyOf("1"),
  full_page_writes: anyOf("1"),
  log_min_duration_statement: SLOW,
  log_min_error_statement: anyOf("error", "log", "fatal", "panic"),
  log_parameter_max_length: anyOf("0"),
  log_parameter_max_length_on_error: anyOf("0"),
  log_statement: anyOf("none", "ddl"),
  "pgaudit.log": {
    isSafe: (value) => value.split(",").every((one) => ["ddl", "none", "role"].includes(one.trim())),
    instead: "ddl, role: others write data of people to the logs",
  },
  password_encryption: anyOf("scram-sha-256"),
  "rds.accepted_password_auth_method": anyOf("scram"),
  "rds.log_retention_period": {
    isSafe: (value) => Number(value) >= 1440 && Number(value) <= 10_080,
    instead: "1440 to 10080 minutes",
  },
  "rds.logical_replication": {
    isSafe: (value) => value === "0",
    instead: "0: a replication slot that nobody reads fills the storage",
  },
  "rds.restrict_password_commands": anyOf("1"),
  shared_preload_libraries: {
    isSafe: (value) => value.split(",").every((one) => MODULES.includes(one.trim())),
    instead: MODULES.join(", "),
  },
  synchronous_commit: { isSafe: (value) => value === "on", instead: "on: others lose writes in a failure" },
  ssl_max_protocol_version: anyOf("TLSv1.2", "TLSv1.3"),
  ssl_min_protocol_version: anyOf("TLSv1.2", "TLSv1.3"),
};

/** The names of parameters that decide what is logged or encrypted. Only those in the two lists are allowed. */
const DECIDED = /^(auto_explain\.|debug_|log_|pgaudit\.|rds\.|ssl)/;

/** Parameters with such a name whose values are all safe, or that `database-tls` judges: `ssl` and `rds.force_ssl`. */
const FREE = new Set([
  "log_autovacuum_min_duration",
  "log_checkpoints",
  "log_connections",
  "log_disconnections",
  "log_duration",
  "log_error_verbosity",
  "log_lock_waits",
  "log_min_messages",
  "log_recovery_conflict_waits",
  "log_replication_commands",
  "log_rotation_age",
  "log_rotation_size",
  "log_temp_files",
  "rds.force_autovacuum_logging_level",
  "rds.force_ssl",
  "ssl",
]);

export const databaseParameters = defineRule({
  name: "database-parameters",
  types: ["aws:rds/parameterGroup:ParameterGroup"],
  description:
    "PostgreSQL writes no personal data to its logs, accepts only safe passwords and TLS versions, and writes durably",
  why: "whoever reads the logs would read patients' data, and a failure would lose data",
  severity: "high",
  check: ({ inputs: { parameters, family } }) => [
    ...demand(family, /^postgres\d+$/.test(text(family)), "family", "postgres and the major version"),
    ...array(parameters).flatMap((parameter) => {
      const name = text(at(parameter, "name"));
      const value = at(parameter, "value");
      const known = PARAMETERS[name];
      return [
        ...(/^[a-z][a-z0-9_.]*$/.test(name)
          ? []
          : [`Parameter ${JSON.stringify(name)} does not exist. Write its name.`]),
        ...(known === undefined ? [] : demand(value, known.isSafe(text(value)), name, known.instead)),
        ...(known === undefined && DECIDED.test(name) && !FREE.has(name)
          ? [`Parameter ${name} is not judged. Remove it: it may write data of people to the logs.`]
          : []),
        ...demand(value, text(value) !== "", `parameter ${name}`, "a value"),
      ];
    }),
  ],
});
