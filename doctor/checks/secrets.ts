import { type Check, ok } from "../check";

const DAY = 24 * 3600 * 1000;
const MAXIMUM_AGE_DAYS = 365;

export const secretsExist: Check = {
  name: "secrets",
  phase: "preflight",
  async check(context) {
    const { stack } = context;
    const parameters = await context.secrets();
    const missing = stack.secrets.filter((name) => !parameters.has(name));
    if (missing.length === 0) return ok();
    return {
      findings: [
        {
          wrong: `There are no SSM parameters ${missing.map((name) => stack.secretsPath + name).join(", ")}.`,
          why: "Beanstalk starts no instance whose secrets it cannot read.",
          fix: `npm run init-stack -- ${stack.name}`,
        },
      ],
    };
  },
};

export const databasePassword: Check = {
  name: "password of the database",
  phase: "check-up",
  async check(context) {
    const { stack } = context;
    // Another check reports that the database is missing.
    if ((await context.database())?.MasterUserSecret === undefined) return ok();
    return {
      findings: [
        {
          wrong: `The database ${stack.databaseIdentifier} has the password that RDS chose at its creation.`,
          why: "Iaso cannot connect: it has the password of the SSM parameter RDS_PASSWORD.",
          fix: `npm run init-stack -- ${stack.name}`,
        },
      ],
    };
  },
};

export const secretAges: Check = {
  name: "age of secrets",
  phase: "check-up",
  async check(context) {
    const { now, stack } = context;
    const parameters = await context.secrets();
    const findings = stack.rotatableSecrets.flatMap((name) => {
      const { LastModifiedDate = now } = parameters.get(name) ?? {};
      const days = Math.floor((now.getTime() - LastModifiedDate.getTime()) / DAY);
      if (days <= MAXIMUM_AGE_DAYS) return [];
      return [
        {
          wrong: `The secret ${stack.secretsPath}${name} is ${days} days old.`,
          why: "Everyone who has seen it can still use it.",
          fix:
            `npm run init-stack -- ${stack.name} --rotate ${name} ` +
            `(see "Rotating a secret" in docs/operations.md)`,
        },
      ];
    });
    return { findings };
  },
};
