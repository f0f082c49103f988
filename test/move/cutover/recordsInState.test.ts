import { expect } from "chai";
import { moveRecordsInState } from "../../../move/cutover/recordsInState";

const HOSTS = [
  { from: "iaso-new.example.org", to: "iaso.example.org" },
  { from: "enketo-new.example.org", to: "enketo.example.org" },
];

const record = (key: string, name: string, type = "A") => ({
  urn: `urn:pulumi:prod::iaso::iaso:index:Dns$aws:route53/record:Record::${key}`,
  custom: true,
  id: `Z1_${name}_${type}`,
  type: "aws:route53/record:Record",
  inputs: { name, type, zoneId: "Z1" },
  outputs: { id: `Z1_${name}_${type}`, name, fqdn: name, type },
});

/** Stands for the state of a stack. */
class State {
  writes = 0;

  constructor(public text: string) {}

  read(): Promise<string> {
    return Promise.resolve(this.text);
  }

  write(state: string): Promise<void> {
    this.writes++;
    this.text = state;
    return Promise.resolve();
  }
}

describe("move/cutover/recordsInState", () => {
  const others = [
    {
      urn: "urn:pulumi:prod::iaso::pulumi:pulumi:Stack::iaso-prod",
      custom: false,
      type: "pulumi:pulumi:Stack",
    },
    record("mail", "mg.example.org", "MX"),
    record("web-certificate-validation", "_0.iaso-new.example.org", "CNAME"),
  ];
  const web = record("web", "iaso-new.example.org");
  const enketo = record("enketo", "enketo-new.example.org");
  const state = (resources: object[]) =>
    new State(JSON.stringify({ version: 3, deployment: { manifest: { time: "x" }, resources } }));

  it("has the new records, and the former ones to be deleted, and everything else as before", async () => {
    const pulumi = state([...others, web, enketo]);
    await moveRecordsInState(pulumi, HOSTS);
    expect(JSON.parse(pulumi.text)).to.deep.equal({
      version: 3,
      deployment: {
        manifest: { time: "x" },
        resources: [
          ...others,
          record("web", "iaso.example.org"),
          { ...web, delete: true },
          record("enketo", "enketo.example.org"),
          { ...enketo, delete: true },
        ],
      },
    });
  });

  it("is written once, also if the cutover is repeated", async () => {
    const pulumi = state([...others, web, enketo]);
    await moveRecordsInState(pulumi, HOSTS);
    const once = pulumi.text;
    await moveRecordsInState(pulumi, HOSTS);
    expect(pulumi.text).to.equal(once);
    expect(pulumi.writes).to.equal(1);
  });
});
