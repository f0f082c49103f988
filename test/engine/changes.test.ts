import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { previewStack } from "../../preview/preview";
import { readProject } from "../../preview/project";
import { Baseline, baselineOf, readBaselines } from "../../graph/baseline";
import { changesBetween } from "../../report/diff/changes";
import { Lab } from "./lab";

/** The operations of the engine's preview, by URN. */
async function announced(lab: Lab): Promise<Record<string, string>> {
  const from = lab.events.length;
  await lab.preview();
  const kinds: Record<string, string> = {
    create: "added",
    update: "changed",
    replace: "replaced",
    delete: "deleted",
  };
  return Object.fromEntries(
    lab.events.slice(from).flatMap(({ resourcePreEvent }) => {
      const { op = "", urn = "" } = resourcePreEvent?.metadata ?? {};
      const kind = kinds[op];
      return kind === undefined || urn.includes("pulumi:providers:") ? [] : [[urn, kind]];
    }),
  );
}

describe("changes against a stack export, compared with the real engine's preview", () => {
  const folder = mkdtempSync(join(tmpdir(), "export-"));
  const file = join(folder, "staging.json");
  let lab: Lab;
  let baseline: Baseline;

  before(async () => {
    lab = await Lab.open("staging");
    await lab.up();
    writeFileSync(file, JSON.stringify(await (await lab.stack()).exportStack()));
    baseline = baselineOf(readBaselines(file), { project: "iaso", stack: "staging" }, file);
  });
  after(() => {
    lab.close();
    rmSync(folder, { recursive: true });
  });

  const settings: [what: string, values: Record<string, unknown>][] = [
    ["nothing", {}],
    ["the network's block of addresses", { vpcCidr: "10.99.0.0/16" }],
    ["the zones", { availabilityZones: ["a", "b", "c"] }],
    ["a NAT gateway for each zone", { natGateways: "perZone" }],
    ["an instance type", { webInstanceType: "t3.2xlarge" }],
    ["the web host", { webHost: "other.example.org" }],
    ["CloudFront", { cloudFront: true, staticHost: "static-staging.example.org" }],
    ["Redis with TLS", { enketoRedisTls: true, enketoImage: "enketo/enketo-express:7.5.1" }],
    ["the platform", { platform: "docker" }],
    ["Redis of another size", { enketoRedisNodeType: "cache.t4g.medium", enketoRedisReplicas: 1 }],
    ["the version of PostgreSQL", { databaseMajorVersion: "17" }],
  ];
  for (const [what, values] of settings) {
    it(`are the same for ${what}`, async () => {
      const settingsFile = join(lab.work, "Pulumi.staging.yaml");
      const before = readFileSync(settingsFile, "utf8");
      const { config, ...rest } = parse(before) as { config: Record<string, unknown> };
      for (const [key, value] of Object.entries(values)) config[`iaso:${key}`] = value;
      writeFileSync(settingsFile, stringify({ ...rest, config }));
      try {
        const { document } = await previewStack(readProject(lab.work), "staging", { policies: false });
        const told = Object.fromEntries(
          changesBetween(baseline, document).changes.map(({ urn, kind }) => [urn, kind]),
        );
        const engine = await announced(lab);
        for (const [urn, kind] of Object.entries(engine)) {
          // The engine shows an update where an input is unknown, even if the value will turn out to be the same.
          const waits =
            document.resources.find((resource) => resource.urn === urn)?.propertyDependencies ?? {};
          const isWaiting = Object.values(waits)
            .flat()
            .some((source) => told[source] === "added" || told[source] === "replaced");
          if (kind === "changed" && told[urn] === undefined && isWaiting) Reflect.deleteProperty(engine, urn);
        }
        expect(told).to.deep.equal(engine);
      } finally {
        writeFileSync(settingsFile, before);
      }
    });
  }
});
