import { Mutant } from "../mutant";

export const hygiene: Mutant[] = [
  ["required-tags", (stack) => stack.set("queue", "tasks", "tags", undefined)],
  ["required-tags", (stack) => stack.set("vpc", "network", "tags", { env: "prod", project: "iaso" })],
  [
    "required-tags",
    (s) => s.set("environment", "web", "tags", { env: "prod", project: "iaso", "managed-by": "pulumi" }),
  ],
  ["name-limits", (stack) => stack.set("queue", "tasks", "name", undefined)],
  ["name-limits", (stack) => stack.set("environment", "web", "name", "x".repeat(41))],
  ["name-limits", (stack) => stack.set("role", "web", "name", "x".repeat(65))],
  ["name-limits", (stack) => stack.set("bucket", "media", "bucket", undefined)],
  ["known-types", (stack) => stack.add("aws:ec2/instance:Instance", "bastion", { tags: {} })],
  ["known-types", (stack) => stack.add("aws:ec2/keyPair:KeyPair", "ops", {})],
  ["known-types", (stack) => stack.add("aws:iam/user:User", "ci", {})],
  ["known-types", (stack) => stack.add("aws:iam/accessKey:AccessKey", "ci", {})],
  ["known-types", (stack) => stack.add("aws:lambda/function:Function", "x", {})],
  ["known-types", (stack) => stack.add("aws:s3/accessPoint:AccessPoint", "x", { bucket: "media" })],
  ["known-types", (stack) => stack.add("aws:lb/listenerRule:ListenerRule", "x", {})],
  ["known-types", (stack) => stack.add("gcp:storage/bucket:Bucket", "x", {})],
];
