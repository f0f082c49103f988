import { expect } from "chai";
import { statementsOf } from "../../policies/iam/document";
import { evaluateRequest, Request, Requester } from "../../policies/iam/evaluate";
import { previewStack } from "../../preview/preview";
import { exampleProject } from "../support";
import { oracle } from "./iam/oracle";

const ACCOUNT = "123456789012";
const MINUTE = 60_000;

const WHO = [
  "anonymous",
  "application",
  "application's credentials elsewhere",
  "other role",
  "other account",
  "CloudFront",
  "another account's CloudFront",
] as const;
const TRANSPORTS = { TLS: "true", plain: "false" };
const SIGNATURES = { "no signature": undefined, "5 min": 5 * MINUTE, "16 min": 16 * MINUTE };
const ACTIONS = {
  get: "s3:GetObject",
  put: "s3:PutObject",
  delete: "s3:DeleteObject",
  list: "s3:ListBucket",
};

interface Case {
  who: (typeof WHO)[number];
  transport: keyof typeof TRANSPORTS;
  signature: keyof typeof SIGNATURES;
  action: keyof typeof ACTIONS;
}

function* cases(): Generator<Case> {
  for (const who of WHO)
    for (const transport of ["TLS", "plain"] as const)
      for (const signature of ["no signature", "5 min", "16 min"] as const)
        for (const action of ["get", "put", "delete", "list"] as const)
          yield { who, transport, signature, action };
}

type Expected = Partial<Record<Case["who"], (one: Case) => boolean>>;

/**
 * Objects in media: the application alone, with a young signature. Names: who may list by its own role's policy, as
 * somebody has to look after the bucket. The signature's age is about objects only.
 */
const media: Expected = {
  application: ({ signature, action }) => signature === "5 min" || action === "list",
  // Browsers read with URLs that the application signs.
  "application's credentials elsewhere": ({ signature, action }) => signature === "5 min" && action === "get",
  "other role": ({ action }) => action === "list",
};

/**
 * Static in S3: everyone reads, CloudFront too. Within the account, a role's own policy may add a list, but no write.
 */
const inS3: Expected = {
  anonymous: ({ action }) => action === "get",
  application: ({ action }) => action === "get",
  "application's credentials elsewhere": ({ action }) => action === "get",
  "other role": ({ action }) => action === "get" || action === "list",
  "other account": ({ action }) => action === "get",
  CloudFront: ({ action }) => action === "get",
  "another account's CloudFront": ({ action }) => action === "get",
};

/** Static behind CloudFront: the account's distributions read, and roles whose own policy lets them. */
const behindCloudFront: Expected = {
  "other role": ({ action }) => action === "get" || action === "list",
  CloudFront: ({ action }) => action === "get",
};

const STATICS: Record<string, Expected> = { staging: inS3, prod: behindCloudFront };

describe("access to the buckets", () => {
  for (const stack of ["staging", "prod"]) {
    it(`is exactly what ${stack} needs, by two evaluators`, async () => {
      const project = exampleProject();
      const { document } = await previewStack(project, stack, { policies: false });
      const inputsOf = (type: string, name: string) => {
        const found = document.resources.find((one) => one.type.endsWith(`:${type}`) && one.name === name);
        if (found === undefined) throw new Error(`no ${type} ${name}`);
        return found.inputs;
      };
      const application = inputsOf("RolePolicy", "web").policy;
      // The identity policies of another role and of a stranger allow everything in S3.
      const everything = {
        Version: "2012-10-17",
        Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" },
      };
      const requesters: Record<
        Case["who"],
        {
          requester: Requester;
          role?: string;
          source?: string;
          identity?: unknown;
          network?: Record<string, string>;
        }
      > = {
        anonymous: { requester: {} },
        application: session(ACCOUNT, `iaso-${stack}-web`, application, {
          "aws:EC2InstanceSourceVPC": "vpc-1",
          "aws:SourceVpc": "vpc-1",
        }),
        "application's credentials elsewhere": session(ACCOUNT, `iaso-${stack}-web`, application, {
          "aws:EC2InstanceSourceVPC": "vpc-1",
        }),
        "other role": session(ACCOUNT, "somebody", everything),
        "other account": session("999999999999", "somebody", everything),
        CloudFront: distributionOf(ACCOUNT),
        "another account's CloudFront": distributionOf("999999999999"),
      };

      let judged = 0;
      for (const [bucket, allows] of Object.entries({ media, static: STATICS[stack] ?? {} })) {
        const name = inputsOf("Bucket", bucket).bucket as string;
        const policy: unknown = JSON.parse(inputsOf("BucketPolicy", bucket).policy as string);
        for (const one of cases()) {
          const { requester, role, source, identity, network } = requesters[one.who];
          const age = SIGNATURES[one.signature];
          const request: Request = {
            requester,
            action: ACTIONS[one.action],
            resource: `arn:aws:s3:::${name}${one.action === "list" ? "" : "/a/b.jpg"}`,
            account: ACCOUNT,
            context: {
              "aws:SecureTransport": TRANSPORTS[one.transport],
              ...network,
              ...(role === undefined ? {} : { "aws:PrincipalArn": role }),
              ...(source === undefined ? {} : { "aws:SourceArn": source }),
              ...(age === undefined
                ? {}
                : { "s3:signatureAge": String(age), "s3:signatureversion": "AWS4-HMAC-SHA256" }),
            },
          };
          const parsed: unknown = typeof identity === "string" ? JSON.parse(identity) : identity;
          const ours = evaluateRequest(
            request,
            statementsOf(policy),
            parsed === undefined ? [] : statementsOf(parsed),
          );
          const theirs = oracle(request, policy, parsed);
          const what = `${bucket}: ${Object.values(one).join(", ")}`;
          expect(ours === "allow", what).to.equal(
            one.transport === "TLS" && (allows[one.who]?.(one) ?? false),
          );
          expect(theirs, `${what}, by the oracle`).to.equal(ours);
          judged += 1;
        }
      }
      console.log(`      ${judged} requests`);
    });

    it(`lets deployments write the versions of ${stack}, and updates their own bundles, by two evaluators`, async () => {
      const { document } = await previewStack(exampleProject(), stack, { policies: false });
      const found = document.resources.find(
        ({ type, name }) => type.endsWith(":BucketPolicy") && name === "artifacts",
      );
      const policy: unknown = JSON.parse(found?.inputs.policy as string);
      const everything = {
        Version: "2012-10-17",
        Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" },
      };
      const writes = (role: string, folder: string): boolean => {
        const { requester, role: arn } = session(ACCOUNT, role, everything);
        const request: Request = {
          requester,
          action: "s3:PutObject",
          resource: `arn:aws:s3:::example-iaso-${stack}-artifacts/${folder}/1`,
          account: ACCOUNT,
          context: { "aws:SecureTransport": "true", "aws:PrincipalArn": arn },
        };
        const ours = evaluateRequest(request, statementsOf(policy), statementsOf(everything));
        expect(oracle(request, policy, everything), `${role} ${folder}, by the oracle`).to.equal(ours);
        return ours === "allow";
      };
      const roles = ["ci-deploy", "ci-up", "ci-preview", "web", "worker", "enketo"];
      const writers = (folder: string) =>
        [...roles.map((role) => `iaso-${stack}-${role}`), "Administrator"].filter((role) =>
          writes(role, folder),
        );
      for (const folder of ["builds", "bundles", "journal", "locks", "wheel-lists", "wheels"])
        expect(writers(folder), folder).to.deep.equal([`iaso-${stack}-ci-deploy`]);
      expect(writers("pulumi")).to.deep.equal([`iaso-${stack}-ci-up`, "Administrator"]);
    });
  }
});

function session(account: string, role: string, identity: unknown, network: Record<string, string> = {}) {
  return {
    requester: { arn: `arn:aws:sts::${account}:assumed-role/${role}/session` },
    role: `arn:aws:iam::${account}:role/${role}`,
    identity,
    network,
  };
}

function distributionOf(account: string) {
  return {
    requester: { service: "cloudfront.amazonaws.com" },
    source: `arn:aws:cloudfront::${account}:distribution/E2QWRUHAPOMQZL`,
  };
}
