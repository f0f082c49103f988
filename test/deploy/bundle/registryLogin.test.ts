import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { removeTemporaryDirectories, temporaryDirectory } from "../source/checkout";

const HOOK = join(__dirname, "../../../deploy/bundle/docker/.platform/hooks/prebuild/01_registry_login.sh");
const REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

/** Runs the hook with programs that record how they are called. Returns the record. */
function login(variables: Record<string, string>): string {
  const directory = temporaryDirectory();
  const record = join(directory, "record");
  writeFileSync(record, "");
  const programs = {
    aws: `echo "aws $*" >>${record}; echo the-password`,
    docker: `echo "docker $* $(cat)" >>${record}`,
  };
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `#!/bin/bash\n${script}\n`);
    chmodSync(join(directory, name), 0o755);
  }
  const env = { PATH: `${directory}:/usr/bin:/bin`, ...variables };
  execFileSync("bash", [HOOK], { env, stdio: "pipe" });
  return readFileSync(record, "utf8");
}

describe("deploy/bundle/docker, 01_registry_login.sh", () => {
  after(removeTemporaryDirectories);

  it("logs in to the registry of the environment's repository, and passes the password by a pipe", () => {
    const variables = { AWS_S3_REGION_NAME: "eu-central-1", IMAGE_REPOSITORY: `${REGISTRY}/iaso-staging` };
    expect(login(variables).trimEnd().split("\n").sort()).to.deep.equal([
      "aws ecr get-login-password --region eu-central-1",
      `docker login --username AWS --password-stdin ${REGISTRY} the-password`,
    ]);
  });

  it("stops the deployment if the environment names no repository", () => {
    expect(() => login({ AWS_S3_REGION_NAME: "eu-central-1" })).to.throw(
      "IMAGE_REPOSITORY: unbound variable",
    );
  });
});
