import { dependenciesOf, Stack } from "../../context";
import { strings } from "../../iam/document";
import { actionMatches } from "../../iam/evaluate";
import { ENVIRONMENT, optionOf, SECRET_VARIABLES, secretArns, settingsOf } from "../../optionSettings";
import { defineRule } from "../../rule";
import { first, isUnknown, text } from "../../values";
import { grantsOf, isInstances, Role, ROLE } from "./grants";
import { mayOf } from "./boundary";
import { actionsIn } from "./separation";

/** The environments whose instances have the role. */
function environmentsOf(role: Role, stack: Stack) {
  const profiles = stack
    .ofType("aws:iam/instanceProfile:InstanceProfile")
    .filter(
      (profile) =>
        dependenciesOf(profile, "role").includes(role.urn) || profile.inputs.role === role.inputs.name,
    );
  return stack.ofType(ENVIRONMENT).filter((environment) => {
    const name = optionOf(environment, "aws:autoscaling:launchconfiguration", "IamInstanceProfile");
    return profiles.some(
      (profile) =>
        (!isUnknown(name) && name === profile.inputs.name) ||
        (isUnknown(name) && dependenciesOf(environment, "settings").includes(profile.urn)),
    );
  });
}

export const secretsOfOwnVariables = defineRule({
  name: "secrets-of-own-variables",
  types: [ROLE],
  description: "Instances read only the secrets that their own environment's variables name, one by one",
  why: "whoever controls an instance could read the secrets of other programs and environments",
  severity: "critical",
  neighbours: true,
  check: (role, stack) => {
    if (!isInstances(role)) return [];
    const named = new Set(
      environmentsOf(role, stack)
        .flatMap(settingsOf)
        .filter(({ namespace }) => namespace === SECRET_VARIABLES)
        .map(({ value }) => text(value)),
    );
    const allows = grantsOf(role, stack).statements.filter(({ Effect }) => Effect === "Allow");
    const reads = allows.filter((one) =>
      [
        "ssm:GetParameter",
        "ssm:GetParameters",
        "ssm:GetParameterHistory",
        "secretsmanager:GetSecretValue",
      ].some((action) => actionMatches(one, action)),
    );
    const others = reads.flatMap((one) =>
      one.NotResource === undefined
        ? strings(one.Resource).filter((arn) => !named.has(arn))
        : ["all but some resources"],
    );
    const byPath = actionsIn(allows, ["ssm:GetParametersByPath"]);
    const actions = [...new Set([...others, ...byPath])];
    return actions.length === 0
      ? []
      : [`The instances may read ${first(actions)}. Write the ARNs of their own secret variables.`];
  },
});

/** Calls that return the value of a secret. */
const READS = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory"];

export const secretsByInstances = defineRule({
  name: "secrets-by-instances",
  types: [ROLE],
  description: "No role but those of instances reads a secret that an environment's variable names",
  why: "a workflow of GitHub could print the password of the database",
  severity: "critical",
  neighbours: true,
  check: (role, stack) => {
    if (isInstances(role)) return [];
    const may = mayOf(role, stack);
    const read = [...secretArns(stack)].filter(
      (arn) =>
        READS.some((action) => may(action, arn)) ||
        may("ssm:GetParametersByPath", arn.slice(0, arn.lastIndexOf("/"))),
    );
    return read.length === 0
      ? []
      : [`The role may read ${first(read)}. Write the parameters that it needs, one by one.`];
  },
});
