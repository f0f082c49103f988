import { expect } from "chai";
import fc from "fast-check";
import { parse } from "yaml";
import { periodicTasks } from "../../../deploy/source/cron";
import { UserError } from "../../../cli/userError";

const task = (name: string, url: string): string =>
  `  - name: '${name}'\n    url: '${url}'\n    schedule: '0 1 * * 5'\n`;
const POLIO = task(
  "email",
  "/tasks/launch_task/plugins.polio.tasks.weekly_email.send_email/polio_cron_task_user/",
);
const CORE = task("sandbox", "/tasks/launch_task/iaso.tasks.setuper_sandbox.setuper_sandbox/cron_user/");
const HEAD = "version: 1\n# Times are UTC.\ncron:\n";

const enabledTasks = (text: string, plugins: string[]): string | undefined =>
  periodicTasks([{ path: "cron.yaml", text }], plugins);

describe("deploy/source/cron", () => {
  const names = (text: string | undefined): string[] | undefined =>
    text === undefined
      ? undefined
      : (parse(text) as { cron: { name: string }[] }).cron.map(({ name }) => name);

  it("keeps a plugin's tasks only where the plugin is enabled", () => {
    expect(names(enabledTasks(HEAD + POLIO + CORE, []))).to.deep.equal(["sandbox"]);
    expect(names(enabledTasks(HEAD + POLIO + CORE, ["polio"]))).to.deep.equal(["email", "sandbox"]);
    expect(names(enabledTasks(HEAD + POLIO + CORE, ["pol", "polio2"]))).to.deep.equal(["sandbox"]);
  });

  it("leaves the file out where no task is left", () => {
    expect(enabledTasks(HEAD + POLIO, [])).to.equal(undefined);
    expect(enabledTasks("version: 1\ncron: []\n", ["polio"])).to.equal(undefined);
    expect(enabledTasks("version: 1\ncron:\n", ["polio"])).to.equal(undefined);
    expect(periodicTasks([], ["polio"])).to.equal(undefined);
  });

  it("adds the tasks of plugins' own files, and refuses two of one name", () => {
    const main = { path: "cron.yaml", text: HEAD + CORE };
    const plugin = { path: "plugins/polio/cron.yaml", text: HEAD + POLIO };
    expect(names(periodicTasks([main, plugin], ["polio"]))).to.deep.equal(["sandbox", "email"]);
    expect(() => periodicTasks([main, { ...plugin, text: HEAD + CORE }], ["polio"])).to.throw(/"sandbox"/);
  });

  it("keeps exactly the tasks of enabled plugins and of the core, in order", () => {
    const plugin = fc.constantFrom("polio", "wfp", "snt", "core");
    fc.assert(
      fc.property(fc.array(plugin), fc.uniqueArray(plugin), (owners, enabled) => {
        const tasks = owners.map((owner, i) =>
          task(
            `${owner}-${i}`,
            owner === "core" ? `/tasks/launch_task/iaso.x/u/` : `/tasks/launch_task/plugins.${owner}.x/u/`,
          ),
        );
        const expected = owners
          .map((owner, i) => ({ owner, name: `${owner}-${i}` }))
          .filter(({ owner }) => owner === "core" || enabled.includes(owner))
          .map(({ name }) => name);
        const text = `version: 1\ncron:${tasks.length === 0 ? " []" : ""}\n${tasks.join("")}`;
        expect(names(enabledTasks(text, enabled)) ?? []).to.deep.equal(expected);
      }),
    );
  });

  it("refuses what Beanstalk would refuse", () => {
    const texts = [
      "version: 2\ncron: []",
      "cron: []",
      "version: 1",
      "version: 1\ncron: [",
      HEAD + POLIO.replace("0 1", "0"),
    ];
    for (const text of texts) expect(() => enabledTasks(text, ["polio"]), text).to.throw(UserError);
  });
});
