import { every, isInOwnRegion, ownAccounts, regionsOf, Stack } from "../../context";
import { hasKnownIds } from "../../identity";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { first, groupBy, text } from "../../values";

/** The types of resources that EC2's ids name, by the prefix of the id. The platform has nothing with another prefix. */
const TYPE_OF_ID: Record<string, string> = {
  ami: "command:local:Command",
  eipalloc: "aws:ec2/eip:Eip",
  igw: "aws:ec2/internetGateway:InternetGateway",
  nat: "aws:ec2/natGateway:NatGateway",
  rtb: "aws:ec2/routeTable:RouteTable",
  sg: "aws:ec2/securityGroup:SecurityGroup",
  subnet: "aws:ec2/subnet:Subnet",
  vpc: "aws:ec2/vpc:Vpc",
  vpce: "aws:ec2/vpcEndpoint:VpcEndpoint",
};

/** The prefixes of what a stack may take from outside: a network, and an image that the settings name. */
const EXISTING = ["ami", "subnet", "vpc"];

const EC2_ID =
  /(?<![\w-])(acl|ami|cagw|cgw|dopt|eigw|eipalloc|eipassoc|eni|fl|i|igw|ipam-pool|lgw|lt|nat|pcx|pl|rtb|r|sg|snap|subnet|tgw|vgw|vol|vpc|vpce|vpce-svc)-[0-9a-f]{8,17}\b/g;

/** The prefixes of ids that AWS adds to resources. The engine shows them together with what the program writes. */
const ADDED = /^(acl|dopt|eipassoc|eni|fl|i|lt|pl|rtb|sg|vol)-/;

const ARN = /\barn:[\w-]+:([\w-]+):([\w-]*):(\d{12}):/g;

/** Services whose certificates and rules for CloudFront are in us-east-1. */
const GLOBAL = ["acm", "wafv2"];

/** The properties of resources, as one text for each resource. */
const textOf = ({ urn, inputs }: Resource, { once }: Stack): string =>
  once(`text of ${urn}`, () => JSON.stringify(inputs));

const idsIn = (written: string): string[] => [...written.matchAll(EC2_ID)].map(([id]) => id);

/** The ids of this program's resources, and those that its commands print. */
const ownIds = ({ once, all }: Stack): Set<string> =>
  once("ids", () => {
    const ids = all.flatMap(({ id = "" }) => (id === "" ? [] : [id]));
    const printed = all
      .filter(({ type }) => type === TYPE_OF_ID.ami)
      .flatMap(({ outputs = {} }) => idsIn(String(outputs.stdout)));
    return new Set([...ids, ...printed]);
  });

/** True if the outputs of all commands are known. */
const hasPrinted = ({ all }: Stack): boolean =>
  all.every(({ type, outputs }) => type !== TYPE_OF_ID.ami || typeof outputs?.stdout === "string");

/** The number of resources that write an id. */
const writersOf = (stack: Stack): Map<string, number> =>
  stack.once("writers of ids", () => {
    const written = stack.all.flatMap((resource) => [...new Set(idsIn(textOf(resource, stack)))]);
    return new Map([...groupBy(written, (id) => id)].map(([id, uses]) => [id, uses.length]));
  });

/** True if an id is that of a resource of this program, or of the network or image that the whole stack takes. */
function isOwnId(id: string, stack: Stack): boolean {
  if (ownIds(stack).has(id)) return true;
  const prefix = id.replace(/-[0-9a-f]+$/, "");
  const type = TYPE_OF_ID[prefix];
  if (type === undefined) return false;
  const makes = stack.all.some((one) => one.type === type);
  if (!makes) return EXISTING.includes(prefix) && (writersOf(stack).get(id) ?? 0) > 1;
  return prefix === "ami" ? !hasPrinted(stack) : !hasKnownIds(type, stack);
}

/** The regions that a resource may name. Backups, and the role that makes them, also name that of the vault for copies. */
const ownRegions = ({ type }: Resource, stack: Stack): string[] => [
  ...regionsOf(stack),
  ...(/^aws:(backup|iam)\//.test(type)
    ? every(stack, "aws:backup/vault:Vault").map(({ inputs }) => text(inputs.region))
    : []),
];

export const noStrangers = defineRule({
  name: "no-strangers",
  kind: "closed world",
  types: "all",
  description:
    "No property names another account, another region, or a network, snapshot or image of somebody else",
  why: "no rule judges a resource of somebody else, and its owner can change or read what passes through it",
  severity: "critical",
  neighbours: true,
  parameters: {
    alsoAllowed: {
      type: "array",
      default: [],
      description: "Ids, and numbers of accounts, that may be named",
    },
  },
  check: (resource, stack) => {
    const { alsoAllowed } = stack.parameters;
    const written = textOf(resource, stack);
    const arns = [...written.matchAll(ARN)].map(([, service = "", region = "", account = ""]) => ({
      service,
      region,
      account,
    }));
    const hasAdded = resource.outputs === resource.inputs;
    const ids = [...new Set(idsIn(written))].filter(
      (id) => !isOwnId(id, stack) && !alsoAllowed.includes(id) && !(hasAdded && ADDED.test(id)),
    );
    const accounts = [...new Set(arns.map(({ account }) => account))].filter(
      (account) => !ownAccounts(stack).includes(account) && !alsoAllowed.includes(account),
    );
    const regions = [
      ...new Set(
        arns
          .filter(({ service, region }) => region !== "us-east-1" || !GLOBAL.includes(service))
          .map(({ region }) => region),
      ),
    ].filter((region) => region !== "" && !ownRegions(resource, stack).includes(region));
    return [
      ...(ids.length === 0
        ? []
        : [
            `The resource names ${first(ids)}, which no resource of this program has. Write an output instead.`,
          ]),
      ...(accounts.length === 0
        ? []
        : [`The resource names account ${first(accounts)}. Write a resource of this account.`]),
      ...(regions.length === 0
        ? []
        : [`The resource names region ${first(regions)}. Write a resource of this region.`]),
    ];
  },
});

/** The first part of a region's name, such as `eu` of eu-central-1. */
const continentOf = (region: string): string => region.split("-")[0] ?? "";

export const oneRegion = defineRule({
  name: "one-region",
  kind: "closed world",
  types: "all",
  description:
    "Every resource is in the region of the provider; a certificate for CloudFront is in us-east-1, and a vault for copies of backups in a region of the same continent or of the config",
  why: "data would leave the countries whose law protects it",
  severity: "high",
  neighbours: true,
  parameters: {
    backupRegions: {
      type: "array",
      default: [],
      description: "Regions of other continents in which a vault may keep copies of backups",
    },
  },
  check: (resource, stack) => {
    const { type, inputs } = resource;
    const region = text(inputs.region);
    const isForCopies =
      /^aws:backup\/vault/.test(type) &&
      (stack.parameters.backupRegions.includes(region) ||
        regionsOf(stack).some((own) => continentOf(own) === continentOf(region)));
    return isInOwnRegion(resource, stack) ||
      isForCopies ||
      type === "pulumi:providers:aws" ||
      (type.startsWith("aws:acm/") && region === "us-east-1")
      ? []
      : [`region is ${JSON.stringify(inputs.region)}. Remove it, or write ${regionsOf(stack).join(" or ")}.`];
  },
});
