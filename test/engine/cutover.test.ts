import { join } from "node:path";
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { Lab } from "./lab";

const RECORD = "aws:route53/record:Record";
const ROOT = join(__dirname, "../..");

/** The former and the new hosts of the stack staging. */
const MOVED = {
  "iaso-staging.example.org": "old.example.org",
  "enketo-staging.example.org": "old-enketo.example.org",
};

describe("pulumi up after a cutover", () => {
  let lab: Lab;

  before(async () => {
    lab = await Lab.open("staging");
    change({ existingWebHost: "old.example.org", existingEnketoHost: "old-enketo.example.org" });
    await lab.up();
  });
  after(() => {
    lab.close();
  });

  function change(values: Record<string, string>): void {
    const file = join(lab.work, "Pulumi.staging.yaml");
    const { config, ...rest } = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
    for (const [key, value] of Object.entries(values)) config[`iaso:${key}`] = value;
    writeFileSync(file, stringify({ ...rest, config }));
  }

  const aliases = () =>
    lab.account
      .ofType(RECORD)
      .filter(({ inputs }) => inputs.type === "A")
      .map(({ inputs }) => inputs.name);

  it("has the records of the existing hosts, deletes the former ones and leaves the proofs of ownership", async () => {
    await lab.byHand((account) => {
      for (const [from, to] of Object.entries(MOVED)) {
        const record = account.ofType(RECORD).find(({ inputs }) => inputs.name === from);
        if (record === undefined) throw new Error(`no record of ${from}`);
        account.put(JSON.parse(JSON.stringify(record).replaceAll(from, to)) as typeof record);
      }
    });
    const pairs = Object.entries(MOVED).map(([from, to]) => `${from}=${to}`);
    const moved = await lab.run(
      `node --require "${ROOT}/cli/loader.cjs" "${ROOT}/test/engine/moveRecordsInState.ts" staging ${pairs.join(" ")}`,
    );
    expect(moved.code, moved.output).to.equal(0);
    change({
      webHost: "old.example.org",
      enketoHost: "old-enketo.example.org",
      existingWebHost: "",
      existingEnketoHost: "",
    });
    const from = lab.events.length;
    await lab.up();
    const operations = lab.events.slice(from).flatMap(({ resourcePreEvent }) => {
      const { op = "", urn = "" } = resourcePreEvent?.metadata ?? {};
      return /::(web|enketo)$/.test(urn) && urn.includes(RECORD)
        ? [`${op} ${urn.split("::").at(-1) ?? ""}`]
        : [];
    });
    expect(operations.filter((one) => !/^(same|read)/.test(one))).to.have.members([
      "delete-replaced web",
      "delete-replaced enketo",
    ]);
    expect(aliases()).to.have.members(Object.values(MOVED));
    const proofs = lab.account.ofType(RECORD).map(({ inputs }) => String(inputs.name));
    for (const host of Object.values(MOVED))
      expect(proofs.some((name) => /^_/.test(name) && name.includes(host))).to.equal(true);
    const before = lab.events.length;
    await lab.preview();
    const changes = lab.events
      .slice(before)
      .flatMap(({ resourcePreEvent }) => resourcePreEvent?.metadata.op ?? [])
      .filter((op) => op !== "same");
    expect(changes).to.deep.equal([]);
  });
});
