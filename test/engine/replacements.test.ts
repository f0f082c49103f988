import { expect } from "chai";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { Lab } from "./lab";

const VERSION = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const GROUP = "aws:rds/parameterGroup:ParameterGroup";
const DATABASE = "aws:rds/instance:Instance";

/** The operations on resources of these types, in the order in which they began. */
function stepsOf(events: EngineEvent[], ...types: string[]): string[] {
  return events.flatMap(({ resourcePreEvent }) => {
    const { op = "", type = "", urn = "" } = resourcePreEvent?.metadata ?? {};
    if (!types.includes(type) || ["same", "replace", "refresh"].includes(op)) return [];
    return [`${op} ${urn.split("::").at(-1) ?? ""}`];
  });
}

describe("updates that replace", () => {
  let lab: Lab;
  before(async () => {
    lab = await Lab.open("staging");
    await lab.up();
  });
  after(() => {
    lab.close();
  });

  /** The operations of an update on resources of these types. */
  const update = async (...types: string[]) => {
    const from = lab.events.length;
    await lab.up();
    expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
    const steps = stepsOf(lab.events.slice(from), ...types);
    const { operations } = await lab.follow("retry");
    expect(operations).to.deep.equal([[]]);
    return steps;
  };

  it("keep Enketo's old version until the environment runs the new one", async () => {
    await lab.set("enketoImage", "enketo/enketo-express:7.5.1");
    expect(await update(VERSION, ENVIRONMENT)).to.deep.equal([
      "create-replacement enketo",
      "update enketo",
      "delete-replaced enketo",
    ]);
    const [version] = lab.account.ofType(VERSION);
    const running = lab.account.ofType(ENVIRONMENT).map(({ inputs }) => inputs.version);
    expect(running).to.include(version?.inputs.name);
  });

  it("refuse another major version of PostgreSQL, and change nothing", async () => {
    const exists = () => lab.account.ofType(GROUP, DATABASE).map(({ id, inputs }) => [id, inputs]);
    const existed = exists();
    await lab.set("databaseMajorVersion", "17");
    const { code, output } = await lab.follow("retry");
    expect(code, output).not.to.equal(0);
    expect(output).to.include("InvalidDBParameterGroupState");
    expect(exists()).to.deep.equal(existed);
    expect(await lab.strays()).to.deep.equal({ orphaned: [], missing: [] });
  });

  it("adopt another major version of PostgreSQL that was set by hand", async () => {
    // The upgrade that the runbook does by hand.
    const byHand = { engineVersion: "17", parameterGroupName: "default.postgres17" };
    await lab.byHand((account) => {
      for (const { inputs, state, ...database } of account.ofType(DATABASE)) {
        account.put({ ...database, inputs: { ...inputs, ...byHand }, state: { ...state, ...byHand } });
      }
    });
    await lab.refresh();
    expect(await update(GROUP, DATABASE)).to.deep.equal([
      "delete-replaced database",
      "create-replacement database",
      "update database",
    ]);
    expect(lab.account.ofType(GROUP).map(({ id }) => id)).to.deep.equal(["iaso-staging-postgres17"]);
    expect(lab.account.ofType(DATABASE).map(({ inputs }) => inputs.parameterGroupName)).to.deep.equal([
      "iaso-staging-postgres17",
    ]);
  });
});
