// Runs the static checks beside the tests: each keeps one processor busy for minutes. Their output comes at the end.
const { spawn } = require("node:child_process");

function run(script, stdio) {
  const child = spawn(`npm run --silent ${script}`, { shell: true, stdio });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code: code ?? 1, output })));
}

async function main() {
  const [checks, unit] = await Promise.all([run("test:static", "pipe"), run("test:unit", "inherit")]);
  console.log(checks.output.trimEnd());
  if (checks.code !== 0) console.error("The static checks failed: npm run test:static");
  process.exitCode = checks.code || unit.code;
}

void main();
