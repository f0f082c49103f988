import { expect } from "chai";
import fc from "fast-check";
import { statementsOf } from "../../../policies/iam/document";
import { evaluateRequest, Request } from "../../../policies/iam/evaluate";
import { oracle } from "./oracle";
import { printedSeed } from "../../seed";

const OWN = "123456789012";
const OTHER = "999999999999";
const SESSION = `arn:aws:sts::${OWN}:assumed-role/app/i-0123456789`;
const PAIRS = 20_000;

/** One value alone, or a list of some: both forms mean the same to AWS. */
const oneOrSome = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 }));

const ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "sqs:SendMessage"];
const actionPattern = fc.oneof(
  fc.constantFrom(...ACTIONS, "*", "s3:*", "s3:Get*", "s3:?etObject", "S3:getobject", "s3:*Object", "sqs:*"),
  fc.constantFrom("s3:Get?", "s3:*t*", "s3:GetObjectVersion", "sqs:S*d*", "s3:**"),
);
const RESOURCES = [
  "arn:aws:s3:::media",
  "arn:aws:s3:::media/a.jpg",
  "arn:aws:s3:::media/app/b.jpg",
  "arn:aws:s3:::other/a.jpg",
  `arn:aws:sqs:eu-west-1:${OWN}:tasks`,
];
const resourcePattern = fc.oneof(
  fc.constantFrom(...RESOURCES, "*", "arn:aws:s3:::*", "arn:aws:s3:::media/*", "arn:aws:s3:::media*"),
  fc.constantFrom("arn:aws:s3:::media/?.jpg", "arn:aws:s3:::*/a.jpg", `arn:aws:sqs:*:${OWN}:*`, "arn:aws:*"),
  fc.constantFrom("arn:aws:s3:::media/${aws:PrincipalTag/folder}/*", "arn:aws:s3:::MEDIA/*"),
);
const awsPrincipal = fc.constantFrom(
  "*",
  OWN,
  OTHER,
  `arn:aws:iam::${OWN}:root`,
  `arn:aws:iam::${OTHER}:root`,
  `arn:aws:iam::${OWN}:role/app`,
  SESSION,
  `arn:aws:iam::${OWN}:user/ann`,
  `arn:aws:iam::${OTHER}:user/eve`,
  `arn:aws:iam::${OWN}:role/other`,
);
const principal = fc.oneof(
  fc.constant("*"),
  fc.record({ AWS: oneOrSome(awsPrincipal) }),
  fc.record({ Service: oneOrSome(fc.constantFrom("sns.amazonaws.com", "s3.amazonaws.com")) }),
  fc.record({ AWS: oneOrSome(awsPrincipal), Service: fc.constant("sns.amazonaws.com") }),
);

const modifiers = (operator: string) =>
  fc.constantFrom(
    operator,
    operator,
    `${operator}IfExists`,
    `ForAnyValue:${operator}`,
    `ForAllValues:${operator}`,
  );
/** A family of operators with keys and values that it can judge. */
const test = (operators: string[], keys: string[], values: string[]) =>
  fc
    .tuple(
      fc.constantFrom(...operators).chain(modifiers),
      fc.dictionary(fc.constantFrom(...keys), oneOrSome(fc.constantFrom(...values)), {
        minKeys: 1,
        maxKeys: 2,
      }),
    )
    .map(([operator, block]) => ({ [operator]: block }));
const conditions = fc.oneof(
  test(["Bool"], ["aws:SecureTransport", "AWS:securetransport"], ["true", "false", "True"]),
  test(
    [
      "NumericGreaterThan",
      "NumericGreaterThanEquals",
      "NumericLessThan",
      "NumericLessThanEquals",
      "NumericEquals",
      "NumericNotEquals",
    ],
    ["s3:signatureAge", "s3:signatureage"],
    ["900000", "900001", "0"],
  ),
  test(
    [
      "StringEquals",
      "StringNotEquals",
      "StringEqualsIgnoreCase",
      "StringNotEqualsIgnoreCase",
      "StringLike",
      "StringNotLike",
    ],
    ["s3:signatureversion", "s3:authType", "aws:PrincipalAccount", "aws:TagKeys", "aws:PrincipalTag/folder"],
    ["AWS4-HMAC-SHA256", "aws4-hmac-sha256", "AWS", "AWS4*", "*", "?WS", OWN, "app", "env", "REST-HEADER"],
  ),
  test(
    ["StringEquals", "StringLike"],
    ["aws:PrincipalTag/folder", "aws:TagKeys"],
    [
      "${aws:PrincipalTag/folder}",
      "${aws:missing}",
      "${aws:missing, 'app'}",
      "${aws:TagKeys}",
      "a${*}",
      "${$}",
      "a*",
    ],
  ),
  test(
    ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
    ["aws:SourceArn", "aws:PrincipalArn"],
    [
      `arn:aws:sns:eu-west-1:${OWN}:topic`,
      "arn:aws:sns:*:*:topic",
      `arn:aws:sns:*:${OWN}:*`,
      "arn:aws:*:*:*:*",
    ],
  ),
  test(
    [
      "DateLessThan",
      "DateGreaterThan",
      "DateEquals",
      "DateNotEquals",
      "DateLessThanEquals",
      "DateGreaterThanEquals",
    ],
    ["aws:CurrentTime"],
    ["2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "2026-06-01T00:00:00Z"],
  ),
  test(
    ["IpAddress", "NotIpAddress"],
    ["aws:SourceIp"],
    // Not 0.0.0.0/0, which the oracle takes for no address at all; AWS takes it for every one.
    ["10.0.0.0/8", "10.1.2.3", "10.1.2.0/24", "192.168.0.0/16", "2001:db8::/32"],
  ),
  fc
    .tuple(
      fc.constantFrom("s3:signatureAge", "aws:SecureTransport", "aws:TagKeys", "s3:authType"),
      fc.constantFrom<unknown[]>("true", "false", ["true"], ["true", "false"], true, false),
    )
    .map(([key, value]) => ({ Null: { [key]: value } })),
);
const condition = fc
  .array(conditions, { minLength: 1, maxLength: 3 })
  .map((blocks) => Object.assign({}, ...blocks) as Record<string, unknown>);

/** Absent once in so many times. */
const maybe = <T>(times: number, value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: times });
const defined = (record: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));

const statement = (withPrincipal: boolean) =>
  fc
    .record({
      effect: fc.constantFrom("Allow", "Allow", "Deny"),
      actions: oneOrSome(actionPattern),
      notAction: fc.nat(5),
      resources: oneOrSome(resourcePattern),
      notResource: fc.nat(5),
      who: principal,
      notPrincipal: fc.nat(5),
      when: maybe(3, condition),
    })
    .map(({ effect, actions, notAction, resources, notResource, who, notPrincipal, when }) =>
      defined({
        Effect: effect,
        [notAction === 0 ? "NotAction" : "Action"]: actions,
        [notResource === 0 ? "NotResource" : "Resource"]: resources,
        ...(withPrincipal ? { [notPrincipal === 0 ? "NotPrincipal" : "Principal"]: who } : {}),
        Condition: when,
      }),
    );
const document = (withPrincipal: boolean) =>
  oneOrSome(statement(withPrincipal)).map((Statement) => ({ Version: "2012-10-17", Statement }));

const context = fc
  .record({
    "aws:SecureTransport": maybe(4, fc.constantFrom("true", "false")),
    "s3:signatureAge": maybe(4, fc.constantFrom("1000", "900000", "900001", "960000")),
    "s3:signatureversion": maybe(4, fc.constantFrom("AWS4-HMAC-SHA256", "AWS")),
    "s3:authType": maybe(3, fc.constantFrom("REST-HEADER", "REST-QUERY-STRING")),
    "aws:PrincipalAccount": maybe(3, fc.constantFrom(OWN, OTHER)),
    "aws:PrincipalTag/folder": maybe(3, fc.constantFrom("app", "*", "a")),
    "aws:TagKeys": maybe(3, fc.array(fc.constantFrom("env", "app", "AWS"), { minLength: 2, maxLength: 3 })),
    "aws:SourceArn": maybe(
      3,
      fc.constantFrom(`arn:aws:sns:eu-west-1:${OWN}:topic`, "arn:aws:sns:x:1:y:topic"),
    ),
    "aws:CurrentTime": maybe(3, fc.constantFrom("2026-06-01T00:00:00Z", "2020-01-01T00:00:00Z")),
    "aws:SourceIp": maybe(3, fc.constantFrom("10.1.2.3", "192.168.1.1", "8.8.8.8")),
  })
  .map((keys) => defined(keys) as Record<string, string | string[]>);

const request: fc.Arbitrary<Request> = fc
  .record({
    requester: fc.constantFrom(
      {},
      { arn: SESSION },
      { arn: `arn:aws:sts::${OTHER}:assumed-role/app/i-1` },
      { arn: `arn:aws:iam::${OWN}:user/ann` },
      { arn: `arn:aws:iam::${OTHER}:user/eve` },
      { service: "sns.amazonaws.com" },
    ),
    resource: fc.constantFrom(...RESOURCES),
    action: fc.nat(3),
    context,
  })
  .map(({ requester, resource, action, context: keys }) => ({
    requester,
    resource,
    action: resource.includes(":sqs:") ? "sqs:SendMessage" : (ACTIONS[action] ?? ""),
    account: OWN,
    context: keys,
  }));

describe("the evaluator of policy statements", () => {
  it(`agrees with another's on ${PAIRS.toLocaleString("en")} documents and requests @proof`, () => {
    const seed = printedSeed();
    const counts: Record<string, number> = {};
    fc.assert(
      fc.property(document(true), maybe(3, document(false)), request, (resource, identity, asked) => {
        const ours = evaluateRequest(
          asked,
          statementsOf(resource),
          identity === undefined ? [] : statementsOf(identity),
        );
        counts[ours] = (counts[ours] ?? 0) + 1;
        expect(ours).to.equal(oracle(asked, resource, identity));
      }),
      { numRuns: PAIRS, seed },
    );
    // Agreement on one kind of answer alone would say little.
    for (const decision of ["allow", "deny", "implicit-deny"])
      expect(counts[decision], decision).to.be.greaterThan(PAIRS / 50);
  });
});
