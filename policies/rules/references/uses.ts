import { Stack, tagOf } from "../../context";
import { trusted } from "../../iam/document";
import { byIdentity } from "../../identity";
import { targetsOf } from "../../references";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { array, demand, text } from "../../values";
import { ENVIRONMENT, optionOf, settingsOf, VARIABLES, variablesOf } from "../../optionSettings";

const ROLE = "aws:iam/role:Role";
const DATABASE = "aws:rds/instance:Instance";
const BACKUP = "aws:backup/selection:Selection";
const PROFILE = "aws:iam/instanceProfile:InstanceProfile";

/** The roles that a resource passes to a service, with the service that must be able to take them. */
function passedRoles(
  resource: Resource,
  stack: Stack,
): { where: string; roles: Resource[]; service: string }[] {
  const one = (property: string, service: string) => ({
    where: property,
    roles: targetsOf(resource, property, ROLE, stack),
    service,
  });
  if (resource.type === DATABASE) return [one("monitoringRoleArn", "monitoring.rds.amazonaws.com")];
  if (resource.type === BACKUP) return [one("iamRoleArn", "backup.amazonaws.com")];
  if (resource.type === PROFILE) return [one("role", "ec2.amazonaws.com")];
  const option = array(resource.inputs.settings)
    .map((setting) => setting as Record<string, unknown>)
    .find(({ name }) => name === "ServiceRole");
  const role = byIdentity(ROLE, stack).get(text(option?.value));
  return [
    {
      where: "option ServiceRole",
      roles: role === undefined ? [] : [role],
      service: "elasticbeanstalk.amazonaws.com",
    },
  ];
}

export const rolesTrustTheirService = defineRule({
  name: "roles-trust-their-service",
  kind: "closed world",
  types: [DATABASE, PROFILE, ENVIRONMENT, BACKUP],
  description: "A role is passed to the one service that it is for",
  why: "the service could not take it, or would get the permissions of another",
  severity: "high",
  neighbours: true,
  check: (resource, stack) =>
    passedRoles(resource, stack).flatMap(({ where, roles, service }) =>
      roles
        .filter(({ inputs }) => {
          const services = trusted(inputs.assumeRolePolicy, "Service");
          return services.length !== 1 || services[0] !== service;
        })
        .map(
          ({ name }) => `${where} names role ${name}, which is not for ${service}. Write the role for it.`,
        ),
    ),
});

export const oidcProviderGithub = defineRule({
  name: "oidc-provider-github",
  kind: "closed world",
  types: "all",
  description: "The identity provider is GitHub's, for tokens whose audience is AWS",
  why: "another provider could sign tokens for every role that trusts it",
  severity: "critical",
  check: ({ type, inputs: { url, clientIdLists } }) =>
    type !== "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
      ? []
      : [
          ...demand(
            url,
            /^(https:\/\/)?token\.actions\.githubusercontent\.com$/.test(text(url)),
            "url",
            "https://token.actions.githubusercontent.com",
          ),
          ...demand(
            clientIdLists,
            array(clientIdLists).map(text).join() === "sts.amazonaws.com",
            "clientIdLists",
            '["sts.amazonaws.com"]',
          ),
        ],
});

export const mailServerKnown = defineRule({
  name: "mail-server-known",
  kind: "closed world",
  types: [ENVIRONMENT],
  description: "Iaso sends its mail through a mail service that the config knows",
  why: "whoever runs the server reads the links by which people set their passwords",
  severity: "high",
  parameters: {
    domains: {
      type: "array",
      default: ["amazonaws.com", "mailgun.org"],
      description: "Domains of mail services",
    },
  },
  check: (environment, { parameters: { domains } }) => {
    const host = optionOf(environment, VARIABLES, "EMAIL_HOST");
    return host === undefined
      ? []
      : demand(
          host,
          domains.some((domain) => text(host).toLowerCase().endsWith(`.${domain}`)),
          "variable EMAIL_HOST",
          `a host of ${domains.join(", ")}, or add its domain to domains`,
        );
  },
});

export const enketoVariables = defineRule({
  name: "enketo-variables",
  kind: "closed world",
  types: [ENVIRONMENT],
  description: "Enketo has all variables that it needs, and none of another program",
  why: "variables of Node.js can turn off the verification of certificates or load code",
  severity: "high",
  check: (environment) => {
    if (tagOf(environment, "role") !== "enketo") return [];
    const variables = variablesOf(environment);
    const names = new Set(variables.map(({ name }) => name));
    const needed = [
      "ENKETO_API_TOKEN",
      "ENKETO_ENCRYPTION_KEY",
      "ENKETO_LINKED_FORM_AND_DATA_SERVER_SERVER_URL",
      "ENKETO_REDIS_CACHE_URL",
      "ENKETO_REDIS_MAIN_URL",
      "PORT",
    ];
    return [
      ...needed.filter((name) => !names.has(name)).map((name) => `Variable ${name} is not set. Write it.`),
      ...variables
        .filter(({ name }) => !/^(ENKETO_[A-Z0-9_]+|PORT)$/.test(name))
        .map(({ name }) => `Enketo reads no variable ${name}. Remove it.`),
      ...variables
        .filter(({ name, value }) => /INSECURE|ANALYTICS/.test(name) && !/^(|false)$/i.test(text(value)))
        .map(({ name }) => `Variable ${name} is set. Remove it.`),
    ];
  },
});

/** Options that send what happens on the platform somewhere else. */
const SENDS = /^aws:(elasticbeanstalk:sns:topics|elbv2:listenerrule:.*)$/;

export const nothingSentElsewhere = defineRule({
  name: "nothing-sent-elsewhere",
  kind: "closed world",
  types: [ENVIRONMENT],
  description:
    "An environment sends no events to other addresses, and routes no requests by rules of its own",
  why: "no rule judges who gets them",
  severity: "medium",
  check: (environment) =>
    settingsOf(environment)
      .filter(
        ({ namespace, name, value }) =>
          (SENDS.test(namespace) || (namespace.startsWith("aws:elbv2:listener:") && name === "Rules")) &&
          text(value) !== "",
      )
      .map(({ namespace, name }) => `Option ${namespace}/${name} is set. Remove it.`),
});
