import { expect } from "chai";
import type { PreviewDocument } from "../../graph/document";
import { statementsOf } from "../../policies/iam/document";
import { judge } from "../../policies/iam/evaluate";
import { ACCOUNT } from "../authorization";
import { find, previewOf } from "../support";

const GITHUB = "token.actions.githubusercontent.com";
const INFRASTRUCTURE = "repo:example@1234/iaso-on-aws@5678";
const APPLICATION = "repo:example@1234/iaso@9012";
const MAIN = "refs/heads/main";
const DEPLOY = `example/iaso-on-aws/.github/workflows/deploy.yml@${MAIN}`;

const REHEARSE = `example/iaso-on-aws/.github/workflows/rehearse.yml@${MAIN}`;

/** Claims of a token of GitHub. */
interface Token {
  sub: string;
  ref?: string;
  job_workflow_ref?: string;
  aud?: string;
}

/** Tokens that workflows can get, and the role that each opens. */
const tokens = (env: string): Record<string, [Token, string[]]> => ({
  "a pull request": [{ sub: `${INFRASTRUCTURE}:pull_request`, ref: "refs/pull/1/merge" }, ["ci-preview"]],
  "a push to main": [{ sub: `${INFRASTRUCTURE}:ref:${MAIN}`, ref: MAIN }, ["ci-preview"]],
  "a push to another branch": [{ sub: `${INFRASTRUCTURE}:ref:refs/heads/x`, ref: "refs/heads/x" }, []],
  "an update from main": [
    { sub: `${INFRASTRUCTURE}:environment:infrastructure-${env}`, ref: MAIN },
    ["ci-up"],
  ],
  "an update from another branch": [
    { sub: `${INFRASTRUCTURE}:environment:infrastructure-${env}`, ref: "refs/heads/x" },
    [],
  ],
  "an update of another environment": [
    { sub: `${INFRASTRUCTURE}:environment:infrastructure-other`, ref: MAIN },
    [],
  ],
  "the application, with the environment of updates": [
    { sub: `${APPLICATION}:environment:infrastructure-${env}`, ref: MAIN, job_workflow_ref: DEPLOY },
    [],
  ],
  "a deployment by the application": [
    { sub: `${APPLICATION}:environment:${env}`, ref: MAIN, job_workflow_ref: DEPLOY },
    ["ci-deploy"],
  ],
  ...Object.fromEntries(
    // Under this repository's name, GitHub also finds a commit of a fork, whose author wrote the workflow.
    ["refs/heads/x", "refs/tags/1", "refs/pull/1/merge", "0".repeat(40)].map((ref) => [
      `a deployment by the application, with the workflow of ${ref} here`,
      [
        {
          sub: `${APPLICATION}:environment:${env}`,
          ref: MAIN,
          job_workflow_ref: DEPLOY.replace(/@.*/, `@${ref}`),
        },
        [],
      ],
    ]),
  ),
  "a deployment started here": [
    {
      sub: `${INFRASTRUCTURE}:environment:${env}`,
      ref: MAIN,
      job_workflow_ref: DEPLOY,
    },
    ["ci-deploy"],
  ],
  "a deployment started here on another branch, whose workflow anyone who can push may change": [
    {
      sub: `${INFRASTRUCTURE}:environment:${env}`,
      ref: "refs/heads/x",
      job_workflow_ref: DEPLOY.replace(/@.*/, "@refs/heads/x"),
    },
    [],
  ],
  "another workflow here": [
    {
      sub: `${INFRASTRUCTURE}:environment:${env}`,
      ref: MAIN,
      job_workflow_ref: DEPLOY.replace(/deploy.yml@.*/, `other.yml@${MAIN}`),
    },
    [],
  ],
  "a rehearsal of a restore": [
    { sub: `${INFRASTRUCTURE}:environment:rehearsal-${env}`, ref: MAIN, job_workflow_ref: REHEARSE },
    ["ci-rehearse"],
  ],
  "a rehearsal of another environment": [
    { sub: `${INFRASTRUCTURE}:environment:rehearsal-other`, ref: MAIN, job_workflow_ref: REHEARSE },
    [],
  ],
  "a rehearsal from another branch": [
    {
      sub: `${INFRASTRUCTURE}:environment:rehearsal-${env}`,
      ref: "refs/heads/x",
      job_workflow_ref: REHEARSE.replace(MAIN, "refs/heads/x"),
    },
    [],
  ],
  "another workflow here, with the environment of rehearsals": [
    {
      sub: `${INFRASTRUCTURE}:environment:rehearsal-${env}`,
      ref: MAIN,
      job_workflow_ref: REHEARSE.replace("rehearse.yml", "up.yml"),
    },
    [],
  ],
  "the application, with the environment of rehearsals": [
    { sub: `${APPLICATION}:environment:rehearsal-${env}`, ref: MAIN, job_workflow_ref: REHEARSE },
    [],
  ],
  "a workflow of the application's own": [
    {
      sub: `${APPLICATION}:environment:${env}`,
      ref: MAIN,
      job_workflow_ref: `example/iaso/.github/workflows/deploy.yml@${MAIN}`,
    },
    [],
  ],
  "a deployment to another environment": [
    { sub: `${APPLICATION}:environment:other`, ref: MAIN, job_workflow_ref: DEPLOY },
    [],
  ],
  "a repository with the application's old name": [
    { sub: `repo:example/iaso:environment:${env}`, ref: MAIN, job_workflow_ref: DEPLOY },
    [],
  ],
  "a repository with the application's name and another id": [
    { sub: `repo:example@1234/iaso@9013:environment:${env}`, ref: MAIN, job_workflow_ref: DEPLOY },
    [],
  ],
  "a token for another service": [
    { sub: `${INFRASTRUCTURE}:ref:${MAIN}`, ref: MAIN, aud: "https://github.com/example" },
    [],
  ],
});

describe("security: tokens of GitHub", () => {
  for (const env of ["staging", "prod"]) {
    let document: PreviewDocument;
    before(async () => {
      document = await previewOf(env);
    });

    for (const [what, [token, expected]] of Object.entries(tokens(env))) {
      it(`of ${what} open ${expected.join() || "no role"} of ${env}`, () => {
        const opened = ["ci-preview", "ci-up", "ci-deploy", "ci-rehearse", "web", "beanstalk-service"].filter(
          (name) => {
            const { assumeRolePolicy } = find(document, "aws:iam/role:Role", name).inputs;
            const claims = { aud: "sts.amazonaws.com", ...token };
            const request = {
              requester: { federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${GITHUB}` },
              action: "sts:AssumeRoleWithWebIdentity",
              resource: `arn:aws:iam::${ACCOUNT}:role/iaso-${env}-${name}`,
              account: ACCOUNT,
              context: Object.fromEntries(
                Object.entries(claims).map(([claim, value]) => [`${GITHUB}:${claim}`, value]),
              ),
            };
            return judge(statementsOf(assumeRolePolicy), request, true).decision === "allow";
          },
        );
        expect(opened).to.deep.equal(expected);
      });
    }
  }
});
