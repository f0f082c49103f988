import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import {
  PreviewDocument,
  PreviewResource,
  Properties,
  PropertyValue,
  SECRET,
  UNKNOWN,
} from "../../../graph/document";
import { CostLine, Costs, costsOf, difference } from "../../../report/costs/costs";
import table from "../../../report/costs/prices.json";
import { previewOf } from "../../support";
import { resource as resourceOf } from "../documents";

const STACK = "urn:stack";
const PART = "urn:part";
const EXAMPLE_STACKS = ["staging", "prod"];

const resource = (type: string, name: string, inputs: Properties, parent = PART): PreviewResource =>
  resourceOf(type, name, inputs, { urn: `urn:${type}:${name}`, parent });

/** A stack with one part, in Frankfurt unless its provider says otherwise. */
const stackOf = (resources: PreviewResource[], provider: Properties = { region: "eu-central-1" }) =>
  ({
    resources: [
      { ...resource("pulumi:pulumi:Stack", "app", {}, ""), urn: STACK, custom: false },
      resource("pulumi:providers:aws", "aws", provider, STACK),
      { ...resource("acme:index:Part", "part", {}, STACK), urn: PART, custom: false },
      ...resources,
    ],
  }) as PreviewDocument;

const costsOfOne = (type: string, inputs: Properties): Costs =>
  costsOf(stackOf([resource(type, "it", inputs)]));

const OPTIONS: Record<string, PropertyValue | undefined> = {
  "aws:autoscaling:asg MinSize": "2",
  "aws:autoscaling:launchconfiguration RootVolumeSize": "30",
  "aws:autoscaling:launchconfiguration RootVolumeType": "gp3",
  "aws:ec2:instances InstanceTypes": "t3.large, m5.large",
  "aws:ec2:vpc ELBSubnets": "subnet-1,subnet-2,subnet-3",
  "aws:elasticbeanstalk:environment EnvironmentType": "LoadBalanced",
  "aws:elasticbeanstalk:environment LoadBalancerType": "application",
};
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const environment = (
  changed: Record<string, PropertyValue | undefined> = {},
  tier = "WebServer",
): Properties => ({
  tier,
  settings: Object.entries({ ...OPTIONS, ...changed }).flatMap(([key, value]) => {
    const [namespace = "", name = ""] = key.split(" ");
    return value === undefined ? [] : [{ namespace, name, value, resource: "" }];
  }),
});

const DATABASE = "aws:rds/instance:Instance";
const database: Properties = {
  engine: "postgres",
  instanceClass: "db.t4g.medium",
  allocatedStorage: 50,
  storageType: "gp3",
};
const GROUP = "aws:elasticache/replicationGroup:ReplicationGroup";
const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";

const linesOf = (costs: Costs): CostLine[] => costs.parts.flatMap(({ lines }) => lines);

/** `what: dollars a month`, to the cent. */
const inShort = (costs: Costs): string[] =>
  linesOf(costs).map(({ what, monthly }) => `${what}: ${monthly.toFixed(2)}`);

const unpricedIn = (costs: Costs): string[] =>
  costs.notCounted.filter((words) => !words.endsWith("(billed by use)"));

describe("report/costs/costs", () => {
  describe("by hand", () => {
    it("sums an environment: its least instances, their disks, its load balancer and that one's addresses", () => {
      const costs = costsOfOne(ENVIRONMENT, environment());
      expect(inShort(costs)).to.deep.equal([
        "2 × t3.large for it, minimum of autoscaling: 140.16", // 2 × 0.096 × 730
        "1 × Application Load Balancer of it: 19.71", // 0.027 × 730
        "3 × public IPv4 address of it's load balancer, one per subnet: 10.95", // 3 × 0.005 × 730
        "60 GB of gp3 for the disks of it: 5.71", // 2 × 30 × 0.0952
      ]);
      expect(costs.monthly).to.be.closeTo(176.532, 1e-9);
      expect(costs.notCounted).to.deep.equal([]);
      expect(costs.unpriced).to.equal(0);
      expect(costs.parts.map(({ urn, type, name, monthly }) => ({ urn, type, name, monthly }))).to.deep.equal(
        [{ urn: PART, type: "acme:index:Part", name: "part", monthly: costs.monthly }],
      );
      expect(linesOf(costs)[0]).to.deep.include({ quantity: 2, unit: "hour", unitPrice: 0.096 });
      expect(linesOf(costs)[3]).to.deep.include({ quantity: 60, unit: "GB and month", unitPrice: 0.0952 });
    });

    it("gives a worker no load balancer, and a single instance none but an address", () => {
      const instances = "2 × t3.large for it, minimum of autoscaling: 140.16";
      const worker = costsOfOne(ENVIRONMENT, environment({}, "Worker"));
      expect(inShort(worker)).to.deep.equal([instances, "60 GB of gp3 for the disks of it: 5.71"]);
      const type = { "aws:elasticbeanstalk:environment EnvironmentType": "SingleInstance" };
      expect(inShort(costsOfOne(ENVIRONMENT, environment(type)))).to.deep.equal([
        "1 × t3.large for it: 70.08",
        "1 × public IPv4 address of it's instances: 3.65",
        "30 GB of gp3 for the disks of it: 2.86",
      ]);
    });

    it("counts addresses by who has them: instances in public subnets do, an internal load balancer does not", () => {
      const internal = costsOfOne(ENVIRONMENT, environment({ "aws:ec2:vpc ELBScheme": "internal" }));
      expect(inShort(internal).filter((line) => line.includes("IPv4"))).to.deep.equal([]);
      const open = costsOfOne(ENVIRONMENT, environment({ "aws:ec2:vpc AssociatePublicIpAddress": "true" }));
      expect(inShort(open)).to.include("2 × public IPv4 address of it's instances: 7.30");
    });

    it("sums a database in one zone and in two", () => {
      expect(inShort(costsOfOne(DATABASE, database))).to.deep.equal([
        "1 × db.t4g.medium for it: 54.02", // 0.074 × 730
        "50 GB of gp3 for it: 6.85", // 50 × 0.137
      ]);
      expect(inShort(costsOfOne(DATABASE, { ...database, multiAz: true }))).to.deep.equal([
        "1 × db.t4g.medium for it in two zones: 108.77", // 0.149 × 730
        "50 GB of gp3 for it in two zones: 13.70", // 50 × 0.274
      ]);
    });

    it("sums Redis by nodes, however they are given", () => {
      const nodes = (inputs: Properties): string[] =>
        inShort(costsOfOne(GROUP, { engine: "redis", nodeType: "cache.t4g.micro", ...inputs }));
      expect(nodes({})).to.deep.equal(["1 × cache.t4g.micro for it: 13.14"]); // 0.018 × 730
      expect(nodes({ numCacheClusters: 3 })).to.deep.equal(["3 × cache.t4g.micro for it: 39.42"]);
      expect(nodes({ numNodeGroups: 2, replicasPerNodeGroup: 1 })).to.deep.equal([
        "4 × cache.t4g.micro for it: 52.56",
      ]);
    });

    it("puts equal costs of a part on one line, with all resources", () => {
      const costs = costsOf(
        stackOf([
          resource("aws:ec2/natGateway:NatGateway", "a", {}),
          resource("aws:ec2/natGateway:NatGateway", "b", {}),
          resource("aws:ec2/eip:Eip", "a", {}),
        ]),
      );
      expect(inShort(costs)).to.deep.equal(["2 × NAT gateway: 75.92", "1 × public IPv4 address: 3.65"]);
      expect(linesOf(costs)[0]?.urns).to.deep.equal([
        "urn:aws:ec2/natGateway:NatGateway:a",
        "urn:aws:ec2/natGateway:NatGateway:b",
      ]);
    });

    it("charges a web ACL, and each of its rules", () => {
      const costs = costsOfOne("aws:wafv2/webAcl:WebAcl", { rules: [{ name: "a" }, { name: "b" }] });
      expect(inShort(costs)).to.deep.equal(["1 × web ACL it: 5.00", "2 × rule of web ACL it: 2.00"]);
    });

    it("charges an alarm by the metrics that it looks at", () => {
      expect(inShort(costsOfOne(ALARM, { period: 300 }))).to.deep.equal(["1 × metric with an alarm: 0.10"]);
      const metric = { metricName: "Requests", period: 60 };
      const metricQueries: PropertyValue = [
        { id: "a", metric },
        { id: "b", metric },
        { id: "c", expression: "a/b" },
      ];
      expect(inShort(costsOfOne(ALARM, { metricQueries }))).to.deep.equal(["2 × metric with an alarm: 0.20"]);
      expect(costsOfOne(ALARM, { period: 10 }).notCounted).to.deep.equal([
        "alarm it: no price, its periods are 10",
      ]);
      expect(costsOfOne(ALARM, { metricQueries: [] }).notCounted).to.have.length(1);
      expect(costsOfOne(ALARM, { metricQueries: [] }).unpriced).to.equal(1);
    });

    it("finds the part of nested resources, treats a resource directly below the stack as a part, and sorts parts by cost", () => {
      const vpc = resource("aws:ec2/vpc:Vpc", "vpc", {});
      const { parts } = costsOf(
        stackOf([
          resource("aws:ec2/eip:Eip", "alone", {}, STACK),
          vpc,
          resource("aws:ec2/natGateway:NatGateway", "deep", {}, vpc.urn),
        ]),
      );
      expect(parts.map(({ name }) => name)).to.deep.equal(["part", "alone"]);
    });

    it("survives parents that are each other's", () => {
      const one = resource("aws:ec2/eip:Eip", "one", {}, "urn:aws:ec2/eip:Eip:two");
      const two = resource("aws:ec2/eip:Eip", "two", {}, "urn:aws:ec2/eip:Eip:one");
      expect(costsOf(stackOf([one, two])).monthly).to.be.closeTo(7.3, 1e-9);
    });
  });

  describe("not counted", () => {
    const notCounted = (type: string, inputs: Properties): string[] => costsOfOne(type, inputs).notCounted;

    it("names each value of an environment that is missing, odd or not known, and counts the rest", () => {
      const minimum = "aws:autoscaling:asg MinSize";
      const cases: [Record<string, PropertyValue | undefined>, string, number][] = [
        [{ [minimum]: undefined }, "instances and disks of it: MinSize is not set", 30.66],
        [{ [minimum]: "two" }, "instances and disks of it: MinSize is two", 30.66],
        [{ [minimum]: UNKNOWN }, "instances and disks of it: MinSize is not known yet", 30.66],
        [{ "aws:ec2:instances InstanceTypes": SECRET }, "instances of it: InstanceTypes is a secret", 36.372],
        [
          { "aws:ec2:instances InstanceTypes": "u-24tb1.metal" },
          "u-24tb1.metal for it, minimum of autoscaling: no price",
          36.372,
        ],
        [
          { "aws:autoscaling:launchconfiguration RootVolumeType": "io2" },
          "disks of it, io2: no price",
          170.82,
        ],
        [
          { "aws:autoscaling:launchconfiguration RootVolumeSize": undefined },
          "disks of it: RootVolumeSize is not set",
          170.82,
        ],
        [
          { "aws:ec2:vpc ELBSubnets": UNKNOWN },
          "public IPv4 addresses of it's load balancer: ELBSubnets is not known yet",
          165.582,
        ],
        [
          { "aws:elasticbeanstalk:environment LoadBalancerType": "network" },
          "load balancer of it: no price, its LoadBalancerType is network",
          145.872,
        ],
      ];
      for (const [changed, words, monthly] of cases) {
        const costs = costsOfOne(ENVIRONMENT, environment(changed));
        expect(costs.notCounted, words).to.deep.equal([words]);
        expect(costs.monthly, words).to.be.closeTo(monthly, 1e-9);
      }
      const none = costsOfOne(ENVIRONMENT, environment({ [minimum]: "0" }, "Worker"));
      expect(inShort(none)).to.deep.equal([
        "0 × t3.large for it, minimum of autoscaling: 0.00",
        "0 GB of gp3 for the disks of it: 0.00",
      ]);
      expect(notCounted(ENVIRONMENT, { settings: SECRET })).to.have.length(2);
      expect(notCounted(ENVIRONMENT, {})).to.have.length(2);
    });

    it("names the features of a database that have no price in the table", () => {
      expect(notCounted(DATABASE, { ...database, engine: "mysql" })).to.deep.equal([
        "database it: no price, its engine is mysql",
      ]);
      expect(notCounted(DATABASE, { ...database, multiAz: null, iops: null, region: null })).to.deep.equal(
        [],
      );
      expect(notCounted(DATABASE, { ...database, instanceClass: "x".repeat(1000) })).to.deep.equal([
        `database it, ${"x".repeat(60)}…: no price`,
      ]);
      expect(notCounted(DATABASE, { ...database, multiAz: UNKNOWN })).to.deep.equal([
        "database it: multiAz is not known yet",
      ]);
      expect(notCounted(DATABASE, { ...database, instanceClass: "db.x2g.large" })).to.deep.equal([
        "database it, db.x2g.large: no price",
      ]);
      expect(notCounted(DATABASE, { ...database, storageType: "io1", iops: 3000 })).to.deep.equal([
        "storage of database it, io1: no price",
        "provisioned IOPS and throughput of database it",
      ]);
      expect(notCounted(DATABASE, { ...database, allocatedStorage: UNKNOWN })).to.deep.equal([
        "storage of database it: allocatedStorage is not known yet",
      ]);
      expect(notCounted(DATABASE, { ...database, performanceInsightsRetentionPeriod: 7 })).to.deep.equal([]);
      expect(notCounted(DATABASE, { ...database, performanceInsightsRetentionPeriod: 731 })).to.deep.equal([
        "Performance Insights of database it beyond seven days",
      ]);
    });

    it("names other costs without a price: other engines, odd counts, paid variants of free types, unknown types", () => {
      expect(notCounted(GROUP, { engine: "valkey", nodeType: "cache.t4g.micro" })).to.have.length(1);
      expect(notCounted(GROUP, { nodeType: "cache.t4g.micro", numCacheClusters: UNKNOWN })).to.have.length(1);
      expect(notCounted(GROUP, { nodeType: "cache.t4g.micro", numNodeGroups: 0 })).to.have.length(1);
      expect(notCounted(GROUP, { nodeType: "toString" })).to.deep.equal([
        "replication group it, toString: no price",
      ]);
      const endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint";
      expect(notCounted(endpoint, { vpcEndpointType: "Gateway" })).to.deep.equal([]);
      expect(notCounted(endpoint, { vpcEndpointType: "Interface" })).to.have.length(1);
      expect(notCounted("aws:ssm/parameter:Parameter", { tier: "Advanced" })).to.have.length(1);
      expect(notCounted("aws:lambda/function:Function", {})).to.deep.equal([
        "aws:lambda/function:Function it: no price known for this type",
      ]);
    });

    it("lists usage-based costs in words, after costs without a price", () => {
      const bucket = "aws:s3/bucket:Bucket";
      const resources = [
        resource(bucket, "a", {}),
        resource(bucket, "b", {}),
        resource("aws:lambda/function:Function", "k", {}),
      ];
      expect(costsOf(stackOf(resources)).notCounted).to.deep.equal([
        "aws:lambda/function:Function k: no price known for this type",
        "2 × S3 bucket: storage, requests and traffic (billed by use)",
      ]);
    });

    it("gives no numbers for a region without prices, or none", () => {
      const eip = resource("aws:ec2/eip:Eip", "a", {});
      const elsewhere = costsOf(stackOf([eip], { region: "us-east-1" }));
      expect(elsewhere).to.deep.include({
        region: "us-east-1",
        parts: [],
        monthly: 0,
        notCounted: ["no prices for us-east-1: add them to report/costs/prices.json"],
      });
      for (const provider of [{}, { region: UNKNOWN }] as Properties[]) {
        expect(costsOf(stackOf([eip], provider))).to.deep.include({
          region: "",
          parts: [],
          monthly: 0,
          notCounted: ["no region known, so no prices"],
        });
      }
    });

    it("reads the region from ARNs if no provider states it, and prefers a resource's own region", () => {
      const eip = {
        ...resource("aws:ec2/eip:Eip", "a", {}),
        outputs: { arn: "arn:aws:ec2:eu-west-3:123456789012:eip/a" },
      };
      expect(costsOf(stackOf([eip], {}))).to.deep.include({ region: "eu-west-3", monthly: 3.65 });
      const certificate = {
        ...resource("aws:acm/certificate:Certificate", "c", {}),
        outputs: { arn: "arn:aws:acm:us-east-1:123456789012:certificate/c" },
      };
      const others = [certificate, eip, { ...eip, urn: "urn:b" }];
      const american = resource("pulumi:providers:aws", "us", { region: "us-east-1" }, STACK);
      expect(costsOf(stackOf([american, ...others])).region).to.equal("eu-west-3");
      const nat = resource("aws:ec2/natGateway:NatGateway", "n", { region: "eu-north-1" });
      expect(inShort(costsOf(stackOf([nat])))).to.deep.equal(["1 × NAT gateway: 33.58"]); // 0.046 × 730
      const near = resource("aws:ec2/natGateway:NatGateway", "o", {});
      expect(inShort(costsOf(stackOf([nat, near])))).to.deep.equal([
        "1 × NAT gateway: 37.96",
        "1 × NAT gateway: 33.58",
      ]);
      const hidden = resource("aws:ec2/natGateway:NatGateway", "n", { region: UNKNOWN });
      expect(costsOf(stackOf([hidden])).notCounted).to.deep.equal([
        "aws:ec2/natGateway:NatGateway n: its region is not known yet",
      ]);
      const far = resource("aws:ec2/natGateway:NatGateway", "n", { region: "us-east-1" });
      expect(costsOf(stackOf([far])).notCounted).to.have.length(1);
    });
  });

  describe("odd inputs", () => {
    const oddities = fc.oneof(
      fc.constantFrom<PropertyValue>(
        SECRET,
        UNKNOWN,
        "",
        "-1",
        "1e9",
        "NaN",
        "Infinity",
        " 2 ",
        "2.5",
        2.5,
        -3,
        true,
      ),
      fc.constantFrom<PropertyValue>(null, [], {}, [null], "__proto__", "constructor", "toString", "a,b", [
        ["x"],
      ]),
      fc.string(),
      fc.double(),
      fc.jsonValue().map((value) => value as PropertyValue),
    );

    /** Every place of the inputs of what costs, as paths. */
    const pathsOf = (value: PropertyValue | Properties, path: string[] = []): string[][] => [
      path,
      ...(typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))
        : []),
    ];
    const replaced = (
      value: PropertyValue | undefined,
      path: string[],
      odd: PropertyValue,
    ): PropertyValue => {
      const [key, ...rest] = path;
      // What was replaced before may have no such place any more.
      if (key === undefined || typeof value !== "object" || value === null) return odd;
      if (!Array.isArray(value)) return { ...value, [key]: replaced(value[key], rest, odd) };
      return value.map((inner, index) => (String(index) === key ? replaced(inner, rest, odd) : inner));
    };

    it("never throw, never give a number that is none, and never a word that is none", async () => {
      const document = await previewOf("prod");
      const urns = new Set(linesOf(costsOf(document)).flatMap(({ urns }) => urns));
      const places = document.resources.flatMap(({ urn, inputs, type }, index) =>
        urns.has(urn) || type === "pulumi:providers:aws"
          ? pathsOf(inputs).flatMap((path) => (path.length === 0 ? [] : [{ index, path }]))
          : [],
      );
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.constantFrom(...places), oddities), { minLength: 1, maxLength: 4 }),
          (odd) => {
            const resources = [...document.resources];
            for (const [{ index, path }, value] of odd) {
              const before = resources[index]!;
              resources[index] = { ...before, inputs: replaced(before.inputs, path, value) as Properties };
            }
            const costs = costsOf({ ...document, resources });
            for (const { quantity, unitPrice, monthly, what } of linesOf(costs)) {
              for (const number of [quantity, unitPrice, monthly]) {
                expect(Number.isFinite(number) && number >= 0, what).to.be.true;
              }
            }
            expect(Number.isFinite(costs.monthly)).to.be.true;
            expect(costs.monthly).to.be.closeTo(
              costs.parts.reduce((total, { monthly }) => total + monthly, 0),
              1e-6,
            );
            for (const words of costs.notCounted) expect(words).to.not.match(/undefined|\[object/);
            // What is no longer counted is said.
            const counted = new Set(linesOf(costs).flatMap((line) => line.urns));
            if ([...urns].some((urn) => !counted.has(urn))) expect(unpricedIn(costs)).to.not.deep.equal([]);
          },
        ),
        { numRuns: 150 },
      );
    });

    it("are said for each value that decides a cost", async () => {
      const document = await previewOf("prod");
      const whole = costsOf(document);
      const decisive: [string, string[]][] = [
        [DATABASE, ["engine", "instanceClass", "multiAz", "allocatedStorage", "storageType"]],
        [GROUP, ["nodeType", "numCacheClusters", "engine"]],
      ];
      for (const [type, names] of decisive) {
        for (const name of names) {
          for (const odd of [UNKNOWN, SECRET, "odd", { odd: true }, ["odd"]]) {
            const resources = document.resources.map((other) =>
              other.type === type ? { ...other, inputs: { ...other.inputs, [name]: odd } } : other,
            );
            const costs = costsOf({ ...document, resources });
            expect(costs.monthly, `${name} ${JSON.stringify(odd)}`).to.be.lessThan(whole.monthly);
            expect(costs.notCounted.length, name).to.be.greaterThan(whole.notCounted.length);
            expect(costs.notCounted.join(), name).to.not.include(SECRET);
          }
        }
      }
    });
  });

  describe("the real stacks", () => {
    /** What AWS charges by the hour, GB or month of all that the program makes, said independently of the code. */
    const COSTLY = [
      ENVIRONMENT,
      DATABASE,
      GROUP,
      ALARM,
      "aws:ec2/natGateway:NatGateway",
      "aws:ec2/eip:Eip",
      "aws:kms/key:Key",
    ];
    const PLAUSIBLE: Record<string, [number, number]> = { staging: [300, 600], prod: [900, 1500] };

    for (const stack of EXAMPLE_STACKS) {
      it(`gives ${stack} a plausible sum in which all that costs is counted, and all else is accounted for`, async () => {
        const document = await previewOf(stack);
        const costs = costsOf(document);
        expect(costs).to.deep.include({ currency: "USD", region: "eu-central-1", date: table.date });
        expect(costs.monthly).to.be.within(...PLAUSIBLE[stack]!);
        expect(costs.parts.reduce((total, { monthly }) => total + monthly, 0)).to.be.closeTo(
          costs.monthly,
          1e-6,
        );

        const counted = new Set(linesOf(costs).flatMap(({ urns }) => urns));
        const costly = document.resources.filter(({ type }) => COSTLY.includes(type)).map(({ urn }) => urn);
        expect([...counted].sort()).to.deep.equal(costly.sort());
        expect(unpricedIn(costs)).to.deep.equal([]);
        expect(costs.leavesOut.join()).to.match(/traffic.*backups/s);

        const components = document.resources.filter(({ custom }) => !custom).map(({ urn }) => urn);
        expect(components).to.include.members(costs.parts.map(({ urn }) => urn));
        const sums = costs.parts.map(({ monthly }) => monthly);
        expect(sums).to.deep.equal([...sums].sort((a, b) => b - a));
      });

      it(`counts ${stack} before anything of it exists, but for the addresses in subnets to come`, async () => {
        const known = costsOf(await previewOf(stack));
        const unknown = costsOf(await previewOf(stack, { unknownOutputs: true }));
        const missing = known.monthly - unknown.monthly;
        const addresses = linesOf(known).filter(({ what }) =>
          what.includes("'s load balancer, one per subnet"),
        );
        expect(missing).to.be.closeTo(
          addresses.reduce((total, { monthly }) => total + monthly, 0),
          1e-6,
        );
        expect(
          unknown.notCounted.filter((words) => words.includes("ELBSubnets is not known yet")),
        ).to.have.length(addresses.length);
      });
    }

    it("matches the README, rounded to ten dollars", async () => {
      const readme = readFileSync(join(__dirname, "../../../README.md"), "utf8").replace(/\s+/g, " ");
      const [, section = ""] = /## Costs (.*?) ## /.exec(readme) ?? [];
      const rounded = async (stack: string): Promise<string> =>
        (Math.round(costsOf(await previewOf(stack)).monthly / 10) * 10).toLocaleString("en-US");
      expect(section).to.include(`${await rounded("staging")} US dollars a month for the staging stack`);
      expect(section).to.include(`and ${await rounded("prod")} for prod`);
      expect(section).to.include(`list prices for eu-central-1 of ${table.date}`);
    });
  });

  describe("difference", () => {
    const nat = resource("aws:ec2/natGateway:NatGateway", "n", {});
    const one = costsOf(stackOf([nat, resource(DATABASE, "it", database, STACK)]));

    it("is nothing for the same stack", () => {
      expect(difference(one, one)).to.deep.equal({ parts: [], monthly: 0, notCounted: [] });
    });

    it("is given by part, also for parts that come and go, the largest change first", () => {
      const bigger = { ...database, instanceClass: "db.t4g.large" };
      const alone = resource("aws:ec2/eip:Eip", "alone", {}, STACK);
      const two = costsOf(stackOf([alone, resource(DATABASE, "it", bigger, STACK)]));
      const { parts, monthly, notCounted } = difference(one, two);
      expect(parts.map(({ name, monthly }) => `${name} ${monthly.toFixed(2)}`)).to.deep.equal([
        "it 54.75", // (0.149 - 0.074) × 730
        "part -37.96", // 0.052 × 730
        "alone 3.65",
      ]);
      expect(parts[0]).to.deep.include({ before: 60.87 });
      expect(monthly).to.be.closeTo(54.75 - 37.96 + 3.65, 1e-9);
      expect(notCounted).to.deep.equal([]);
      expect(difference(two, one).monthly).to.be.closeTo(-monthly, 1e-9);
    });

    it("names the costs that are counted on one side only", () => {
      const stranger = costsOf(
        stackOf([nat, resource(DATABASE, "it", { ...database, instanceClass: "db.x" }, STACK)]),
      );
      expect(difference(one, stranger).notCounted).to.deep.equal(["after: database it, db.x: no price"]);
      expect(difference(stranger, one).notCounted).to.deep.equal(["before: database it, db.x: no price"]);
    });
  });

  describe("prices.json", () => {
    const SIZES: Record<string, number> = {
      micro: 1 / 8,
      small: 1 / 4,
      medium: 1 / 2,
      large: 1,
      xlarge: 2,
      "2xlarge": 4,
      "4xlarge": 8,
      "8xlarge": 16,
    };
    const numbersOf = (value: object | number): number[] =>
      typeof value === "number"
        ? [value]
        : Object.values(value).flatMap((inner: object | number) => numbersOf(inner));
    const regions = Object.entries(table.regions);

    it("names date, pages and how each price was obtained", () => {
      expect(table.date).to.match(/^\d{4}-\d{2}-\d{2}$/);
      const named = table.lists.flatMap(({ prices }) => prices.split(", "));
      for (const [region, prices] of regions) expect(named, region).to.have.members(Object.keys(prices));
      for (const { page, obtained, confirmed } of table.lists) {
        expect(page).to.match(/^https:\/\/aws\.amazon\.com\/.*pricing\//);
        expect([obtained, confirmed].every((words) => words.length > 20)).to.be.true;
      }
    });

    it("has prices above nothing, in proportion to size, and twice for two zones", () => {
      for (const [region, prices] of regions) {
        const { instances, databases, cacheNodes, databaseStorage, kmsKey, webAcl, webAclRule, ...others } =
          prices;
        expect([kmsKey, webAcl, webAclRule], region).to.deep.equal([1, 5, 1]);
        for (const number of numbersOf(others)) expect(number, region).to.be.within(0.004, 0.2);
        const single = Object.fromEntries(
          Object.entries(databases).map(([type, price]) => [type, price.single]),
        );
        for (const ofTypes of [instances, single, cacheNodes] as Record<string, number>[]) {
          for (const [type, price] of Object.entries(ofTypes)) {
            const [, family = "", size = ""] = /^(.*)\.([^.]*)$/.exec(type) ?? [];
            const medium = ofTypes[`${family}.medium`];
            const large = ofTypes[`${family}.large`] ?? (medium === undefined ? NaN : medium * 2);
            // Small prices are rounded to the tenth of a cent.
            expect(price, `${region} ${type}`).to.be.closeTo(large * SIZES[size]!, 0.001 + price * 0.02);
          }
        }
        for (const [type, price] of [...Object.entries(databases), ...Object.entries(databaseStorage)]) {
          expect(price.multi, `${region} ${type}`).to.be.closeTo(price.single * 2, 0.0021);
        }
      }
    });
  });
});
