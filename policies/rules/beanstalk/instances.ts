import { resourcesWith, tagOf } from "../../context";
import { defineRule } from "../../rule";
import { demand, text } from "../../values";
import { demandOption, ENVIRONMENT, LAUNCH_CONFIGURATION, optionOf } from "../../optionSettings";

export const noDefaultGroup = defineRule({
  name: "no-default-group",
  types: [ENVIRONMENT],
  description: "Instances are in security groups of this program only",
  why: "no rule judges the ingress of Beanstalk's default group",
  severity: "high",
  check: (environment) =>
    demandOption(environment, LAUNCH_CONFIGURATION, "DisableDefaultEC2SecurityGroup", "true"),
});

export const instanceProfileOwn = defineRule({
  name: "instance-profile-own",
  types: [ENVIRONMENT],
  description:
    "Instances have the instance profile of this program for their role; Beanstalk has a role of this program",
  why: "no rule judges the permissions of another profile or role",
  severity: "critical",
  neighbours: true,
  check: (environment, stack) => {
    const profileName = optionOf(environment, LAUNCH_CONFIGURATION, "IamInstanceProfile");
    const serviceRole = optionOf(environment, "aws:elasticbeanstalk:environment", "ServiceRole");
    const role = tagOf(environment, "role");
    const rolesNamed = (name: unknown) => resourcesWith(stack, "aws:iam/role:Role", "name", name);
    const isOwn = resourcesWith(stack, "aws:iam/instanceProfile:InstanceProfile", "name", profileName).some(
      (profile) =>
        tagOf(profile, "role") === role &&
        rolesNamed(profile.inputs.role).some((one) => tagOf(one, "role") === role),
    );
    return [
      ...demand(
        profileName,
        isOwn,
        "option IamInstanceProfile",
        `the name of an instance profile of this program with tag role ${role}`,
      ),
      ...demand(
        serviceRole,
        rolesNamed(serviceRole).length > 0,
        "option ServiceRole",
        "the name of a role of this program",
      ),
    ];
  },
});

export const imdsV2 = defineRule({
  name: "imds-v2",
  types: [ENVIRONMENT],
  description: "Instances accept IMDSv2 only",
  why: "a forged request could read the credentials of the role",
  severity: "high",
  reference: "AWS FSBP EC2.8",
  check: (environment) => demandOption(environment, LAUNCH_CONFIGURATION, "DisableIMDSv1", "true"),
});

export const noSsh = defineRule({
  name: "no-ssh",
  types: [ENVIRONMENT],
  description: "Instances have no SSH key and no SSH source",
  why: "nobody audits the use of a key; Session Manager replaces SSH",
  severity: "high",
  check: (environment) =>
    ["EC2KeyName", "SSHSourceRestriction"]
      .filter((name) => text(optionOf(environment, LAUNCH_CONFIGURATION, name)) !== "")
      .map((name) => `Option ${name} is set. Remove it.`),
});

export const instancesWithoutPublicIp = defineRule({
  name: "instances-without-public-ip",
  types: [ENVIRONMENT],
  description: "Instances have no public address",
  why: "the internet could reach their services",
  severity: "high",
  reference: "AWS FSBP EC2.9",
  check: (environment) => demandOption(environment, "aws:ec2:vpc", "AssociatePublicIpAddress", "false"),
});
