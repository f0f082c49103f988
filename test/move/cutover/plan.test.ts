import { expect } from "chai";
import { changes, done } from "./ended";
import { LISTENERS, OLD, OLD_BALANCER, OLD_DATABASE } from "./existing";
import { createPlatforms, isUnfinished, moving, type Platforms } from "./platforms";

describe("move cutover, its plan", () => {
  const REFUSED: [what: string, plant: (platforms: Platforms) => void, message: RegExp][] = [
    [
      "a load balancer that other environments share",
      ({ double }) => {
        const { endpoint } = double.environment(OLD).settings;
        double.beanstalk.addEnvironment({ name: "x", application: "X", label: "1", tags: {}, endpoint });
      },
      /shares its load balancer.*Clone iaso-old/s,
    ],
    [
      "a shared load balancer",
      ({ double }) => {
        double.environment(OLD).settings.options = {
          "aws:elasticbeanstalk:environment LoadBalancerIsShared": "true",
        };
      },
      /shares its load balancer/,
    ],
    [
      "a classic load balancer",
      ({ double }) => {
        double.environment(OLD).settings.endpoint = "awseb-e-classic-1.eu-central-1.elb.amazonaws.com";
      },
      /has no application load balancer.*Clone iaso-old/s,
    ],
    [
      "a network load balancer",
      ({ double }) => {
        double.balancing.balancers.find(({ arn }) => arn.includes(OLD_BALANCER))!.type = "network";
      },
      /has no application load balancer.*Clone iaso-old.*Terminate iaso-old/s,
    ],
    [
      "a rule with the priority of the maintenance page",
      ({ double }) => {
        double.balancing.addForeign(2, LISTENERS[0]);
      },
      /has the priority 2.*set-rule-priorities/s,
    ],
    [
      "another major version of PostgreSQL",
      ({ double }) => {
        double.rds.named(OLD_DATABASE)!.attributes["EngineVersion"] = "15.8";
      },
      /runs PostgreSQL 15, and that of staging 16.*modify-db-instance/s,
    ],
    [
      "a snapshot of its name that somebody else took",
      ({ double }) => {
        double.rds.snapshots.push({
          ...{ id: "iaso-staging-cutover-1", instance: OLD_DATABASE, at: 0, status: "available" },
          ...{ version: "16.9", rows: {}, password: "" },
        });
      },
      /There is a snapshot iaso-staging-cutover-1 already/,
    ],
    [
      "no instance that counts rows",
      ({ double }) => {
        double.commands.online = [];
      },
      /--without-row-count/,
    ],
    [
      "no domain of the new platform",
      ({ double }) => {
        double.web.settings.cname = "other.eu-central-1.elasticbeanstalk.com";
      },
      /No environment has the domain example-iaso-staging/,
    ],
    [
      "a new platform without a certificate for the existing host",
      (platforms) => {
        platforms.certified = [];
      },
      /does not answer for iaso\.example\.org: .*certificate.*pulumi up --stack staging/s,
    ],
    [
      "an environment that the cutover does not close, and that uses the same database",
      ({ double }) => {
        const { RDS_HOSTNAME = "" } = double.environment(OLD).settings.variables!;
        const variables = { RDS_HOSTNAME: RDS_HOSTNAME.toUpperCase() };
        double.beanstalk.addEnvironment({ name: "twin", application: "X", label: "1", tags: {}, variables });
      },
      /twin of this account and region use the database of iaso-old.*terminate-environment/s,
    ],
    [
      "another master user",
      ({ double }) => {
        double.rds.named(OLD_DATABASE)!.attributes["MasterUsername"] = "ebroot";
      },
      /master user ebroot, and staging has the settings databaseName iaso and databaseUser iaso.*move -- snapshot staging/s,
    ],
    [
      "another name of the database in PostgreSQL",
      ({ double }) => {
        double.environment(OLD).settings.variables!["RDS_DB_NAME"] = "ebdb";
      },
      /The database ebdb of old-iaso/,
    ],
    [
      "a database that has outgrown the new one's storage",
      ({ double }) => {
        double.rds.named(OLD_DATABASE)!.attributes["AllocatedStorage"] = 190;
      },
      /may grow to 200 GiB: RDS needs at least 209.*databaseMaxStorage 209/s,
    ],
    [
      "no bucket of media",
      ({ double }) => {
        Reflect.deleteProperty(double.environment(OLD).settings.variables!, "AWS_STORAGE_BUCKET_NAME");
      },
      /no variable AWS_STORAGE_BUCKET_NAME/,
    ],
  ];
  for (const [what, plant, message] of REFUSED) {
    it(`stops before it closes anything with ${what}`, async () => {
      const platforms = createPlatforms();
      plant(platforms);
      const { code, output } = await done(platforms, moving());
      expect([code, output]).to.match(new RegExp(`^2,.*${message.source}`, "s"));
      expect(changes(platforms)).to.deep.equal([]);
      expect(isUnfinished(platforms)).to.equal(false);
    });
  }
});
