import type { InstanceRole } from "../../components/common/naming";
import { EC2_INSTANCE_TYPES } from "../../policies/facts/instanceTypes";
import { type ExistingEnvironment, optionOf } from "../existing/environments";
import type { Note, Part, Settings } from "../note";

const DEFAULT_TYPE = { web: "t3.xlarge", worker: "t3.xlarge", enketo: "t3.small" };
/** The fewest instances that keep a role running while one fails. */
const LEAST = { web: 2, worker: 1, enketo: 1 };

/** Instance types of an environment, in the order of preference. Older environments have only one. */
function typesOf(environment: ExistingEnvironment): string[] {
  const several = optionOf(environment, "aws:ec2:instances", "InstanceTypes");
  const one = optionOf(environment, "aws:autoscaling:launchconfiguration", "InstanceType");
  return (several === "" ? one : several).split(",").map((type) => type.trim());
}

function capacityOf(
  role: InstanceRole,
  environment: ExistingEnvironment,
  set: string,
): { settings: Settings; notes: Note[] } {
  const [first = ""] = typesOf(environment);
  const type = EC2_INSTANCE_TYPES.includes(first) ? first : DEFAULT_TYPE[role];
  const isSingle =
    optionOf(environment, "aws:elasticbeanstalk:environment", "EnvironmentType") === "SingleInstance";
  const size = (name: string, fallback: number) =>
    isSingle ? 1 : Number(optionOf(environment, "aws:autoscaling:asg", name) || fallback);
  const minimum = Math.min(100, Math.max(LEAST[role], size("MinSize", 1)));
  const maximum = Math.min(100, Math.max(minimum, size("MaxSize", 4)));
  const settings: Settings = {
    [`${role}InstanceType`]: type,
    [`${role}MinSize`]: minimum,
    [`${role}MaxSize`]: maximum,
  };
  const notes: Note[] = [
    {
      kind: "taken over",
      what: `The size of ${environment.name}: ${type}, ${minimum} to ${maximum} instances.`,
    },
  ];
  if (type !== first) {
    notes.push({
      kind: "decide",
      what: `The instances of ${environment.name} are of the type ${first === "" ? "of Beanstalk's default" : first}: the file has ${type}.`,
      why: "The platform runs on types with x86_64 processors that EC2 offers.",
      fix: set,
    });
  }
  if (isSingle || size("MinSize", 1) < LEAST[role]) {
    notes.push({
      kind: "changes",
      what: `${environment.name} has ${size("MinSize", 1)} instance. The new one has at least ${minimum}.`,
      why: "The failure of one instance would stop the platform.",
    });
  }
  return { settings, notes };
}

export const capacity: Part = {
  judge: ({ enketo, web, worker }, set) => {
    const roles = { web, worker, enketo };
    const judged = (Object.keys(roles) as InstanceRole[]).flatMap((role) => {
      const environment = roles[role];
      return environment === undefined ? [] : [capacityOf(role, environment, set(`${role}InstanceType`))];
    });
    return {
      settings: Object.assign({}, ...judged.map(({ settings }) => settings)) as Settings,
      notes: judged.flatMap(({ notes }) => notes),
    };
  },
};
