import { readFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { type Instance } from "./instance";

const OPERATIONS = join(__dirname, "../../docs/operations.md");

/**
 * Stand-ins for two programs of an instance: sudo, and systemd-run as the runbook calls it. The latter needs systemd,
 * which does not run in namespaces. It reads the file of variables as systemd does: without a shell.
 */
const PROGRAMS: Record<string, string> = {
  "/usr/local/bin/sudo": '#!/bin/sh\nexec "$@"\n',
  "/usr/local/bin/systemd-run": `#!/usr/bin/python3.9
import os, re, sys
environment, user, directory, command = {}, None, "/", []
for index, word in enumerate(sys.argv[1:], 1):
    if word in ("--pty", "--wait"):
        continue
    if match := re.fullmatch(r"--uid=(.*)", word):
        user = match[1]
    elif match := re.fullmatch(r"--working-directory=(.*)", word):
        directory = match[1]
    elif match := re.fullmatch(r"--property=EnvironmentFile=(.*)", word):
        environment = dict(line.rstrip("\\n").split("=", 1) for line in open(match[1]))
    elif word.startswith("-"):
        sys.exit(f"systemd-run: {word} is not known here")
    else:
        command = sys.argv[index:]
        break
os.chdir(directory)
environment["PATH"] = os.environ["PATH"]
environment.update({name: os.environ[name] for name in EXTRA if name in os.environ})
arguments = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
os.execvpe("setpriv", arguments, environment)
`,
};

/** The runbook's command for the first user on the python platform. */
export function firstUserCommand(): string {
  const section =
    readFileSync(OPERATIONS, "utf8")
      .split("\n## ")
      .find((one) => one.startsWith("The first user")) ?? "";
  const commands = [...section.matchAll(/```sh\n([^]*?)```/g)].map(([, text = ""]) => text);
  const command = commands.find((text) => text.includes(".venv/bin/python"));
  if (command === undefined) throw new Error("The runbook has no command for the first user.");
  return command.trim();
}

/**
 * Runs the runbook's command for the first user at a terminal, and answers its questions.
 *
 * @param extra Variables that an instance does not have, and that reach the command.
 */
export async function createFirstUser(
  instance: Instance,
  { password, username }: { username: string; password: string },
  extra: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [path, text] of Object.entries(PROGRAMS)) {
    await instance.write(path, text.replace("EXTRA", JSON.stringify(Object.keys(extra))));
    await instance.succeed("chmod", ["755", path]);
  }
  const terminal = instance.spawn(
    "script",
    ["--quiet", "--return", "--command", firstUserCommand(), "/dev/null"],
    {
      env: { ...extra, TERM: "dumb" },
    },
  );
  const answers: [RegExp, string][] = [
    [/Username.*: $/i, username],
    [/Email.*: $/i, "first@example.org"],
    [/Password: $/i, password],
    [/Password \(again\): $/i, password],
  ];
  let said = "";
  terminal.stdout?.on("data", (text: Buffer) => {
    said += text.toString();
    const next = answers[0];
    if (next?.[0].test(said) === true) {
      answers.shift();
      terminal.stdin?.write(`${next[1]}\n`);
    }
  });
  const [code] = (await once(terminal, "close")) as [number | null];
  if (code !== 0 || !said.includes("Superuser created"))
    throw new Error(`The first user was not created:\n${said}`);
}
