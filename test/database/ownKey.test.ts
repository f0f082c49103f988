import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Role } from "../authorization";
import { ScaledTime } from "../deploy/double/clocks";
import { serve } from "../deploy/double/server";
import {
  installed,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../deploy/source/checkout";
import { createAccount, NAME } from "./runs";

const ROOT = join(__dirname, "../..");
const PAGE = readFileSync(join(ROOT, "docs/operations.md"), "utf8");

/** The commands of the page that move a database to the stack's own key. */
const [, COMMANDS = ""] = /```sh\n(aws rds create-db-snapshot .*before-key[^]*?)```/.exec(PAGE) ?? [];

describe("docs/operations.md, a KMS key of your own @proof", () => {
  after(removeTemporaryDirectories);

  it("moves the database by its commands, with the real AWS CLI over HTTP", async function () {
    if (!installed("aws", "--version")) skip(this, "the AWS CLI is not installed (pipx install awscli)");
    // An AWS CLI that starts in a second finds the snapshots available: its waiter looks every half minute.
    const time = new ScaledTime(120);
    const account = createAccount(1, time);
    const { double, old } = account;
    double.role = new Role([{ Effect: "Allow", Action: "*", Resource: "*" }]);
    Object.assign(double.rds, {
      startDelay: () => 15_000,
      duration: () => 20_000,
      restoreDuration: () => 40_000,
    });
    const keys: (string | null)[] = [];
    const handle = double.rds.handle.bind(double.rds);
    double.rds.handle = (operation, form) => {
      if (operation === "CopyDBSnapshot") keys.push(form.get("KmsKeyId"));
      return handle(operation, form);
    };
    const running = await serve(double);
    double.describeTarget(running.url);
    const directory = temporaryDirectory();
    const state = join(directory, "state.json");
    const script = join(__dirname, "process.ts");
    writeFiles(directory, {
      "state.json": account.state,
      "bin/pulumi": {
        executable: `#!/bin/sh\ncase "$2" in\n  export) cat "${state}" ;;\n  import) cat >"${state}.new" && mv "${state}.new" "${state}" ;;\nesac\n`,
      },
      // npm run database -- ARGUMENTS: the command line as it is, on a clock that runs faster.
      "bin/npm": {
        executable: `#!/bin/bash\n[[ "$1 $2 $3" == "run database --" ]] || exit 64\nshift 3\nexec ${process.execPath} --require ./cli/loader.cjs ${script} ${time.factor} ${time.began} "$@" --yes\n`,
      },
    });
    try {
      const child = spawn("bash", ["-euo", "pipefail", "-c", COMMANDS], {
        cwd: ROOT,
        env: {
          HOME: directory,
          CI: "true",
          ...running.environment,
          AWS_DEFAULT_REGION: "eu-central-1",
          STACK: "staging",
          PATH: `${join(directory, "bin")}:${process.env["PATH"] ?? ""}`,
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
      const code = await new Promise((resolve) => child.once("close", resolve));
      expect(code, output).to.equal(0);
      expect(keys).to.deep.equal(["alias/iaso-staging"]);
      const serving = double.rds.named(NAME)!;
      expect(serving).not.to.equal(old);
      expect(readFileSync(state, "utf8")).to.include(serving.id).and.not.include(old.id);
    } finally {
      await running.stop();
    }
  });
});
