import { Statement, statementsOf } from "../../iam/document";
import { defineRule } from "../../rule";
import { demand, first, hasUnknown, object, text } from "../../values";
import { POLICY, ROLE, ROLE_POLICY } from "./grants";

/** The elements of a statement. IAM compares their names, and the values of Effect, by case. */
const ELEMENTS = [
  "Action",
  "Condition",
  "Effect",
  "NotAction",
  "NotPrincipal",
  "NotResource",
  "Principal",
  "Resource",
  "Sid",
];

/** Returns what IAM refuses in a statement, whatever the policy is for. */
const elementProblems = (statement: Statement): string[] => {
  const others = Object.keys(statement).filter((name) => !ELEMENTS.includes(name));
  return [
    ...demand(
      statement.Effect,
      statement.Effect === "Allow" || statement.Effect === "Deny",
      `Effect of statement ${text(statement.Sid)}`,
      "Allow or Deny",
    ),
    ...(others.length === 0
      ? []
      : [`Statement ${text(statement.Sid)} has ${first(others)}. Write one of ${ELEMENTS.join(", ")}.`]),
  ];
};

export const validDocuments = defineRule({
  name: "valid-documents",
  types: [
    ROLE,
    POLICY,
    ROLE_POLICY,
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
  ],
  description:
    "A policy has Version 2012-10-17 and statements of IAM's elements only, and each statement of a role's policy names actions and resources",
  why: "an older version takes policy variables as plain text, and IAM refuses incomplete statements",
  severity: "high",
  check: ({ type, inputs }) =>
    (["policy", "assumeRolePolicy"] as const).flatMap((property) => {
      const document = (inputs as Record<string, unknown>)[property];
      if (document === undefined || hasUnknown(document)) return [];
      const { Version } = object(typeof document === "string" ? JSON.parse(document) : document);
      const isOfRole = property === "policy" && (type === POLICY || type === ROLE_POLICY);
      return [
        ...demand(Version, Version === "2012-10-17", `Version of ${property}`, "2012-10-17"),
        ...statementsOf(document).flatMap(elementProblems),
        ...statementsOf(document)
          .filter(
            (one) =>
              isOfRole &&
              ((one.Resource ?? one.NotResource) === undefined ||
                (one.Action ?? one.NotAction) === undefined ||
                (one.Principal ?? one.NotPrincipal) !== undefined),
          )
          .map(
            ({ Sid }) =>
              `Statement ${text(Sid)} is not valid in a role's policy. Write Action and Resource, and no Principal.`,
          ),
      ];
    }),
});

export const validSids = defineRule({
  name: "valid-sids",
  types: [ROLE, POLICY, ROLE_POLICY],
  description: "The Sids of a policy are unique, of letters and digits",
  why: "IAM refuses the policy",
  severity: "high",
  check: ({ inputs }) =>
    (["policy", "assumeRolePolicy"] as const).flatMap((property) => {
      const document = (inputs as Record<string, unknown>)[property];
      if (document === undefined || hasUnknown(document)) return [];
      const sids = statementsOf(document).flatMap(({ Sid }) => (Sid === undefined ? [] : [text(Sid)]));
      const wrong = sids.filter((sid, index) => !/^[A-Za-z0-9]*$/.test(sid) || sids.indexOf(sid) !== index);
      return wrong.length === 0
        ? []
        : [
            `Sid ${first([...new Set(wrong)])} of ${property} is not valid or there twice. Write another one.`,
          ];
    }),
});
