import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { listSettings } from "../../settings/rules";
import { secretNames, secretOf } from "../../settings/secrets";
import { readSettings, Settings } from "../../settings/settings";
import { readStackConfig } from "../../preview/project";
import { exampleProject, writeExampleProject } from "../support";

const project = exampleProject();

/** The configuration of staging, with other values by short key; undefined takes a setting away. */
function config(own: Record<string, string | undefined> = {}): Record<string, string> {
  const { values } = readStackConfig(project, "staging");
  for (const [key, value] of Object.entries(own)) {
    if (value === undefined) {
      delete values[`iaso:${key}`];
    } else {
      values[`iaso:${key}`] = value;
    }
  }
  return values;
}

const read = (own?: Record<string, string | undefined>): Settings =>
  readSettings(config(own), "iaso", "staging");

/** The message with which settings are refused. */
function refusal(own: Record<string, string | undefined>): string {
  try {
    read(own);
  } catch (error) {
    // Only this kind of error is printed by the engine without a stack trace.
    expect(pulumi.RunError.isInstance(error)).to.equal(true);
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(own)} was accepted`);
}

describe("settings/settings", () => {
  it("arranges settings as the parts take them, with numbers, booleans and lists", () => {
    const settings = read();
    expect(settings.env).to.equal("staging");
    expect(settings.network).to.deep.equal({
      existing: undefined,
      cidr: "10.20.0.0/16",
      availabilityZones: ["eu-central-1a", "eu-central-1b"],
      natGateways: "single",
    });
    expect(settings.database).to.include({ allocatedStorage: 50, multiAz: false, deletionProtection: true });
    expect(settings.web).to.deep.equal({ instanceType: "t3.large", minSize: 2, maxSize: 4 });
    expect(settings.mailgun?.domain).to.equal("mg-staging.example.org");
    expect(settings.plugins).to.deep.equal([]);
  });

  it("takes the environment's name from its setting before the stack's", () => {
    expect(read({ env: "demo" }).env).to.equal("demo");
    expect(read({ env: "" }).env).to.equal("staging");
  });

  it("accepts an existing VPC with its subnets", () => {
    const existing = {
      vpcId: "vpc-0123456789abcdef0",
      publicSubnetIds: ["subnet-00000001", "subnet-00000002"],
      privateSubnetIds: ["subnet-00000003", "subnet-00000004"],
    };
    const settings = read({
      vpcId: existing.vpcId,
      publicSubnetIds: JSON.stringify(existing.publicSubnetIds),
      privateSubnetIds: JSON.stringify(existing.privateSubnetIds),
    });
    expect(settings.network.existing).to.deep.equal(existing);
  });

  it("reports all problems at once, each with the error, the accepted values and the command that fixes it", () => {
    expect(
      refusal({
        organization: undefined,
        webMinSize: "two",
        workerMinSize: "5",
        platform: "podman",
        colour: "green",
        databasePassword: "short",
      }),
    ).to.equal(
      [
        "The settings of stack staging are wrong. Edit Pulumi.staging.yaml, or run the commands once `npm run init-stack` has created the stack:",
        "  iaso:colour is not a setting.",
        "    accepted: the settings of docs/settings.md",
        "    fix:      replace iaso:colour in Pulumi.staging.yaml by the setting that you mean",
        "  iaso:databasePassword is a secret, and this program takes none.",
        "    accepted: secrets in SSM's Parameter Store",
        "    fix:      npm run init-stack -- staging",
        "  iaso:organization is missing.",
        "    accepted: 3 to 24 lower-case letters, digits and single hyphens, starting with a letter",
        "    fix:      pulumi config set iaso:organization VALUE --stack staging",
        '  iaso:platform has the value "podman".',
        "    accepted: python or docker",
        "    fix:      pulumi config set iaso:platform VALUE --stack staging",
        '  iaso:webMinSize has the value "two".',
        "    accepted: a whole number from 1 to 100",
        "    fix:      pulumi config set iaso:webMinSize VALUE --stack staging",
        "  iaso:workerMaxSize is below workerMinSize.",
        "    accepted: 5 or more",
        "    fix:      pulumi config set iaso:workerMaxSize VALUE --stack staging",
      ].join("\n"),
    );
  });

  it("names each wrong element of a list, and the command that sets it", () => {
    const zones = refusal({ availabilityZones: '["eu-central-1a","b","eu-central-1c"]' });
    expect(zones.split("\n").slice(1)).to.deep.equal([
      '  iaso:availabilityZones has the element "eu-central-1a".',
      "    accepted: a list of zone letters such as a",
      "    fix:      pulumi config set --path 'iaso:availabilityZones[0]' VALUE --stack staging",
      '  iaso:availabilityZones has the element "eu-central-1c".',
      "    accepted: a list of zone letters such as a",
      "    fix:      pulumi config set --path 'iaso:availabilityZones[2]' VALUE --stack staging",
    ]);
  });

  it("names the elements before one that was set alone: a list in the file replaces the default", () => {
    expect(refusal({ availabilityZones: '[null,null,"c"]' })).to.match(
      /availabilityZones has no element 0\.[^]*\[0\]' VALUE[^]*availabilityZones has no element 1\.[^]*\[1\]' VALUE/,
    );
  });

  it("refuses values of the example stacks in a domain of the user's own", () => {
    const own = {
      hostedZone: "health.gov.zz",
      webHost: "iaso.health.gov.zz",
      enketoHost: "enketo.health.gov.zz",
      mailgunDomain: "mg.health.gov.zz",
    };
    const refused = refusal(own);
    for (const key of ["alarmEmail", "emailUser", "emailFrom", "mailgunDkimRecord"]) {
      expect(refused).to.match(new RegExp(`iaso:${key} is .*, a value of the example stacks\\.`));
    }
    expect(refused.match(/^ {2}iaso:/gm)).to.have.length(4);
  });

  it("takes no secret, and never shows the value of one", () => {
    const former = secretNames.map((name) => secretOf(name).formerSetting ?? "");
    expect(new Set(former).size).to.equal(secretNames.length);
    for (const key of former) {
      const message = refusal({ [key]: "tell nobody" });
      expect(message).to.include(`iaso:${key} is a secret`).and.include("npm run init-stack -- staging");
      expect(message).not.to.include("tell nobody");
    }
  });

  it("refuses values that Docker Compose would change, where a container gets them", () => {
    const from = 'Iaso "Mali" <no-reply@mg-staging.example.org>';
    expect(refusal({ platform: "docker", emailFrom: from, emailUser: "a$b@example.org" }))
      .to.include("iaso:emailUser is a$b@example.org, which the docker platform changes.")
      .and.include("iaso:emailFrom is ")
      .and.include("accepted: a value without $, quotes, backslashes and spaces before #");
    expect(read({ emailFrom: from }).mail.from).to.equal(from);
  });

  it("says that a key for secrets in the state has no use any more", () => {
    expect(refusal({ secretsKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/x" })).to.include(
      "fix:      pulumi config rm iaso:secretsKeyArn --stack staging",
    );
  });

  it("ignores the configuration of other projects", () => {
    expect(() => readSettings({ ...config(), "other:region": "x" }, "iaso", "staging")).not.to.throw();
  });

  it("refuses configuration of the AWS provider, which has no effect", () => {
    expect(() => readSettings({ ...config(), "aws:region": "eu-west-3" }, "iaso", "staging")).to.throw(
      "  aws:region has no effect: this program configures the AWS provider itself.\n" +
        "    accepted: the setting `region` for the region, environment variables such as AWS_PROFILE for credentials\n" +
        "    fix:      pulumi config rm aws:region --stack staging",
    );
  });

  it("suggests the setting that a typo stands for, and does not advise to remove it", () => {
    const message = refusal({ webMinSze: "3", enketohost: "enketo.example.org" });
    expect(message).to.include("fix:      rename iaso:webMinSze to iaso:webMinSize in Pulumi.staging.yaml");
    expect(message).to.include("fix:      rename iaso:enketohost to iaso:enketoHost in Pulumi.staging.yaml");
    expect(message).not.to.include("config rm");
  });

  it("reports a declared setting without a rule", () => {
    const directory = mkdtempSync(join(tmpdir(), "settings-"));
    try {
      writeExampleProject(directory);
      const file = join(directory, "Pulumi.yaml");
      const declared = "config:\n  colour: { type: string, default: green }\n";
      writeFileSync(file, readFileSync(file, "utf8").replace("config:\n", declared));
      const command = ["run", "--silent", "preview", "--", "staging"];
      const { status, stderr } = spawnSync("npm", command, { cwd: directory, encoding: "utf8" });
      expect(status).to.equal(1);
      expect(stderr)
        .to.include("iaso:colour is declared in Pulumi.yaml and has no rule.")
        .and.include("fix:      add a rule for colour to settings/rules.ts");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("accepts the regions in which the platform runs, and lists them for others", () => {
    for (const region of ["af-south-1", "me-central-1", "eu-south-2", "ca-west-1", "eu-west-3"]) {
      expect(read({ region }).network.availabilityZones).to.deep.equal([`${region}a`, `${region}b`]);
    }
    const message = refusal({ region: "eu-centrall-1" });
    expect(message).to.match(
      /one of the regions af-south-1, .*eu-central-1, .*Did you mean eu-central-1\?\n/,
    );
    expect(message).not.to.include("eu-west-1");
  });

  it("refuses regions in which Iaso's media links would not work, with the reason", () => {
    for (const region of ["us-east-1", "eu-west-1", "sa-east-1", "ap-southeast-2"]) {
      expect(refusal({ region }), region)
        .to.include(`iaso:region is ${region}, where Amazon S3 accepts Signature Version 2`)
        .and.include("the media bucket refuses them");
    }
  });

  it("suggests the instance type that a typo stands for, and says how to add a newer one", () => {
    for (const [key, typo, meant] of [
      ["webInstanceType", "t3.lage", "t3.large"],
      ["databaseInstanceClass", "db.t4g.medum", "db.t4g.medium"],
      ["enketoRedisNodeType", "cache.t4g.mikro", "cache.t4g.micro"],
    ] as const) {
      expect(refusal({ [key]: typo }))
        .to.match(new RegExp(`had on \\d{4}-\\d\\d-\\d\\d .*Did you mean ${meant}\\?`))
        .and.include("policies/facts/instanceTypes.ts");
    }
    // Sizes of the family's neighbours.
    expect(refusal({ webInstanceType: "t3.4xlarge" })).to.include("webInstanceType has the value");
    expect(refusal({ databaseInstanceClass: "db.t3.nano" })).to.include(
      "databaseInstanceClass has the value",
    );
    expect(refusal({ enketoRedisNodeType: "cache.t4g.large" })).to.include(
      "enketoRedisNodeType has the value",
    );
  });

  it("warns of a plugin that Iaso does not have, and refuses a misspelt one", () => {
    const warnings: string[] = [];
    const { warn } = console;
    console.warn = (text: string) => warnings.push(text);
    try {
      expect(read({ plugins: '["polio","malaria"]' }).plugins).to.deep.equal(["polio", "malaria"]);
    } finally {
      console.warn = warn;
    }
    expect(warnings.join())
      .to.include("The plugin malaria does not come with Iaso")
      .and.not.include("plugin polio");
    expect(refusal({ plugins: '["poliio"]' })).to.include("Did you mean polio?");
  });

  for (const [key, values] of Object.entries({
    organization: ["ab", "Example", "1example", "example-", "a".repeat(25), "a_b", "a--b"],
    env: ["Staging", "a".repeat(13), "1a", "a-", "a--b"],
    accountId: ["12345678901", "1234567890123", "12345678901a"],
    region: ["eu-central", "EU-CENTRAL-1", "eu", "cn-north-1", "us-gov-west-1", "us-east-1"],
    webHost: ["https://iaso.example.org", "iaso", "Iaso.example.org", "iaso.example.org/", ""],
    cloudFront: ["yes", "True", ""],
    vpcCidr: ["10.20.0.0", "10.20.0.0/15", "10.20.0.0/23", "10.20.0.0/8", "10.256.0.0/16", "10.20.1.0/16"],
    availabilityZones: ['["a"]', "a,b", '["eu-central-1a","eu-central-1b"]', "[1,2]", '["a","a"]'],
    logRetentionDays: ["91", "60", "0", "ninety"],
    databaseMajorVersion: ["15", "16.4"],
    databaseBackupDays: ["6", "36"],
    webMinSize: ["0", "1.5", "-1", "101"],
    webInstanceType: ["t3", "T3.large", "t4g.large", "m7gd.xlarge", "is4gen.large", "a1.large"],
    shellAccess: ["1", "yes"],
    gdalDrivers: ["GPX", '["Excel"]', '["gpx"]'],
    gdalImageId: ["ami-xyz", "0123456789abcdef0"],
    vpcId: ["vpc-1"],
    emailPort: ["0", "25", "465"],
    alarmEmail: ["platform", "a b@example.org"],
    stateBucket: ["s3://state", "State"],
    infrastructureRepository: [
      "iaso-on-aws",
      "example@1/iaso",
      "example/iaso@1",
      "example@x/iaso@1",
      "https://github.com/example/iaso",
    ],
    enketoImage: ["enketo/enketo-express", "enketo/enketo-express:latest"],
    pythonSolutionStack: [
      "64bit Amazon Linux 2 v3.7.1 running Python 3.8",
      "64bit Amazon Linux 2023 v4.13.9 running Docker",
      "64bit Amazon Linux 2023 running Python 3.13",
    ],
    dockerSolutionStack: ["64bit Amazon Linux 2023 v4.13.9 running Python 3.13"],
    enketoRedisNodeType: ["t4g.micro", "cache.t4g.huge"],
    deployers: ['["Deployment"]', '["arn:aws:iam::123456789012:root"]', '["arn:aws:iam::*:role/x"]'],
    sharedAccountReason: ["yes"],
    backupDays: ["6", "3651", "-1", "a week"],
    backupCopyRegion: ["eu-west-33", "cn-north-1"],
    backupLock: ["off", "none"],
    databaseInstanceClass: ["db.t4g", "db.t9x.large"],
    databaseName: ["", "1iaso", "iaso-prod", "iaso db"],
    databaseUser: ["", "admin", "rdsadmin", "pg_monitor", "iaso-prod"],
    databaseSnapshot: [
      "rds:iaso-2026-11-25-01-00",
      "a--b",
      "arn:aws:rds:eu-central-1:123456789012:db:iaso",
      "a ",
    ],
    enketoRedisSnapshot: ["automatic.iaso-2026", "a--b", "A"],
  })) {
    it(`refuses wrong values of ${key}`, () => {
      for (const value of values) {
        expect(refusal({ [key]: value }), value).to.include(`iaso:${key} `);
      }
    });
  }

  for (const [key, own] of [
    ["webMaxSize", { webMinSize: "5", webMaxSize: "4" }],
    ["workerMaxSize", { workerMinSize: "3", workerMaxSize: "2" }],
    ["enketoMaxSize", { enketoMinSize: "3", enketoMaxSize: "2" }],
    ["databaseMaxStorage", { databaseStorage: "100", databaseMaxStorage: "109" }],
    [
      "databaseInstanceClass",
      { databaseInstanceClass: "db.t4g.medium", webMaxSize: "50", workerMaxSize: "7" },
    ],
    ["databaseConnectionAlarm", { databaseInstanceClass: "db.t4g.medium", databaseConnectionAlarm: "451" }],
    ["backupDays", { backupDays: "0", backupCopyRegion: "eu-west-3" }],
    ["backupCopyRegion", { backupDays: "30", backupCopyRegion: "eu-central-1" }],
    ["staticHost", { cloudFront: "true", staticHost: "" }],
    ["mailgunDkimRecord", { mailgunDkimRecord: "" }],
    ["webHost", { webHost: "iaso.example.com" }],
    ["enketoHost", { enketoHost: "iaso-staging.example.org" }],
    ["publicSubnetIds", { vpcId: "vpc-0123456789abcdef0" }],
    ["privateSubnetIds", { vpcId: "vpc-0123456789abcdef0" }],
    [
      "publicSubnetIds",
      { vpcId: "vpc-0123456789abcdef0", publicSubnetIds: '["subnet-00000001","subnet-00000001"]' },
    ],
    ["vpcId", { privateSubnetIds: '["subnet-00000001","subnet-00000002"]' }],
    ["staticHost", { cloudFront: "true", staticHost: "iaso-staging.example.org" }],
    ["staticHost", { cloudFront: "true", staticHost: "enketo-staging.example.org" }],
    ["existingWebHost", { existingWebHost: "iaso.example.com" }],
    ["existingWebHost", { existingWebHost: "iaso-staging.example.org" }],
    ["existingEnketoHost", { existingEnketoHost: "enketo-staging.example.org" }],
    ["existingEnketoHost", { existingWebHost: "old.example.org", existingEnketoHost: "old.example.org" }],
    ["deployers", { deployers: '["arn:aws:iam::999999999999:role/Deployment"]' }],
    ["mediaCopyPrincipal", { mediaCopyPrincipal: "arn:aws:iam::999999999999:role/Administrator" }],
    ["databaseSnapshot", { databaseSnapshot: "arn:aws:rds:eu-central-1:999999999999:snapshot:old" }],
    ["databaseSnapshot", { databaseSnapshot: "arn:aws:rds:eu-west-3:123456789012:snapshot:old" }],
    ["enketoImage", { enketoRedisTls: "true" }],
    ["enketoImage", { enketoRedisTls: "true", enketoImage: "enketo/enketo-express:6.2.2" }],
  ] as const) {
    it(`refuses ${Object.keys(own).join(" and ")} that contradict each other or the rest`, () => {
      expect(refusal(own)).to.match(
        new RegExp(`iaso:${key} .+\\n    accepted: .+\\n    fix:      pulumi config set .*--stack staging`),
      );
    });
  }

  it("accepts x86_64 instance types, also types with a g before their generation", () => {
    for (const webInstanceType of [
      "t3.xlarge",
      "m7i-flex.large",
      "g4dn.xlarge",
      "u-6tb1.metal",
      "c7a.large",
    ]) {
      expect(read({ webInstanceType }).web.instanceType).to.equal(webInstanceType);
    }
  });

  it("accepts TLS for Redis with an image that supports it or has a tag without a version", () => {
    for (const enketoImage of [
      "enketo/enketo-express:7.5.1",
      "enketo/enketo-express:10.0.0",
      `ours/enketo:abc@sha256:${"0a".repeat(32)}`,
    ]) {
      expect(read({ enketoRedisTls: "true", enketoImage }).enketo.redis.tls).to.equal(true);
    }
  });

  it("has the image of Enketo that the facts about Iaso have", () => {
    const file = join(__dirname, "../../policies/facts/env-contract.json");
    const { enketo } = JSON.parse(readFileSync(file, "utf8")) as { enketo: { image: string } };
    expect(project.config.enketoImage?.default).to.equal(enketo.image);
  });

  it("sets lists by index, because the engine accepts no JSON text for them", () => {
    const lists = Object.keys(project.config).filter((key) => project.config[key]?.type === "array");
    expect(lists).to.have.members([...listSettings]);
    expect(refusal({ plugins: "polio" })).to.include(
      "fix:      pulumi config set --path 'iaso:plugins[0]' VALUE --stack staging",
    );
  });

  it("has a rule for each setting that Pulumi.yaml declares, and declares each that it has", () => {
    const declared = Object.keys(project.config);
    // A declared setting that the module did not know would be refused as unknown; a missing one is named.
    const message = refusal(Object.fromEntries(declared.map((key) => [key, undefined])));
    const named = [...message.matchAll(/iaso:(\w+) (?:is missing|has)/g)].map(([, key]) => key);
    expect(new Set([...named, "env"])).to.deep.equal(new Set(declared));
    expect(declared.filter((key) => project.config[key]?.secret === true)).to.deep.equal([]);
  });
});
