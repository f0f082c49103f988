import { zone } from "../double/account";
import type { Plant } from "./plant";

/** Problems of the account, DNS and platform versions, before the first update. */
export const dnsAndPlatformPlants: Plant[] = [
  {
    what: "credentials of another account",
    check: "AWS account",
    plant: ({ account }) => (account.id = "210987654321"),
    wrong: /210987654321.*123456789012/,
    fix: /AWS_PROFILE/,
  },
  {
    what: "no hosted zone",
    check: "hosted zone",
    plant: ({ account }) => account.zones.shift(),
    wrong: /no public hosted zone example\.org/,
    fix: /^aws route53 create-hosted-zone --name example\.org --caller-reference iaso-\d+$/,
  },
  {
    what: "a private hosted zone only",
    check: "hosted zone",
    plant: ({ account }) => (account.zones[0]!.isPrivate = true),
    wrong: /no public hosted zone example\.org/,
    fix: /create-hosted-zone/,
  },
  {
    what: "two hosted zones of one name",
    check: "hosted zone",
    plant: ({ account }) => account.zones.push(zone("Z0SECOND", "example.org")),
    wrong: /2 public hosted zones example\.org: Z0EXAMPLE, Z0SECOND/,
    fix: /delete-hosted-zone --id Z0SECOND/,
  },
  {
    what: "a domain that does not exist",
    check: "DNS delegation",
    plant: ({ dns }) => Reflect.deleteProperty(dns, "example.org"),
    wrong: /example\.org is not delegated to the hosted zone Z0EXAMPLE: DNS has no NS records/,
    fix: /ns-1\.awsdns-01\.org, ns-2\.awsdns-02\.com/,
  },
  {
    what: "a domain delegated to other servers",
    check: "DNS delegation",
    plant: ({ dns }) => (dns["example.org"] = { NS: ["ns1.registrar.example", "ns-1.awsdns-01.org"] }),
    wrong: /not delegated.*DNS answers ns-1\.awsdns-01\.org, ns1\.registrar\.example/,
    fix: /set the NS records of example\.org/,
  },
  {
    what: "an address of the web host",
    check: "DNS names free",
    plant: ({ account }, { hosts }) =>
      account.zones[0]!.records.push({ name: hosts["web"]!, type: "A", value: "192.0.2.9" }),
    wrong: /already has a record A iaso-staging\.example\.org/,
    fix: /change-resource-record-sets --hosted-zone-id Z0EXAMPLE .*"DELETE".*192\.0\.2\.9/,
  },
  {
    what: "an alias name for Enketo's host",
    check: "DNS names free",
    plant: ({ account }, { hosts }) =>
      account.zones[0]!.records.push({ name: hosts["enketo"]!, type: "CNAME", value: "old.example.org" }),
    wrong: /already has a record CNAME enketo-staging\.example\.org/,
    fix: /DELETE/,
  },
  {
    what: "a text record of the mail domain, beside a record that is not in the way",
    check: "DNS names free",
    plant: ({ account }, { mail }) =>
      account.zones[0]!.records.push(
        { name: mail.mailgun!.domain, type: "CAA", value: '0 issue "amazon.com"' },
        { name: mail.mailgun!.domain, type: "TXT", value: '"v=spf1 -all"' },
      ),
    wrong: /already has a record TXT mg-staging\.example\.org/,
    fix: /DELETE/,
  },
  {
    what: "CAA records of the domain without Amazon",
    check: "CAA records",
    plant: ({ dns }) =>
      (dns["example.org"] = { ...(dns["example.org"] as object), CAA: ['0 issue "letsencrypt.org"'] }),
    wrong: /CAA records of example\.org do not allow Amazon.*only letsencrypt\.org/,
    fix: /0 issue "amazon\.com"/,
  },
  {
    what: "CAA records of a host that allow nobody, below records that allow Amazon",
    check: "CAA records",
    plant: ({ dns }, { hosts }) => {
      dns["example.org"] = { ...(dns["example.org"] as object), CAA: ['0 issue "amazon.com"'] };
      dns[hosts["web"]!] = { CAA: ['0 issue ";"'] };
    },
    wrong: /CAA records of iaso-staging\.example\.org .*only none/,
    fix: /to iaso-staging\.example\.org: 0 issue/,
  },
  {
    what: "a superseded platform version",
    check: "platform versions",
    plant: ({ account }, { platforms }) => {
      const [, docker] = platforms;
      account.solutionStacks = account.solutionStacks.filter((name) => name !== docker!.solutionStack);
      for (const version of ["v9.9.9", "v10.2.0", "v10.10.0", "v2.0.0"]) {
        account.solutionStacks.push(docker!.solutionStack.replace(/v[\d.]+/, version));
      }
    },
    wrong:
      /cannot use the platform version ".* running Docker" \(iaso:\w+\).*"64bit Amazon Linux 2023 v10\.10\.0 running Docker"/,
    fix: /^npm run platform -- staging --update$/,
  },
  {
    what: "a platform branch without any version",
    check: "platform versions",
    plant: ({ account }, { platforms }) => {
      const branch = platforms[0]!.solutionStack.replace(/.* running /, "");
      account.solutionStacks = account.solutionStacks.filter((name) => !name.endsWith(branch));
    },
    wrong: /cannot use the platform version ".* running Python.*no version of the branch/,
    fix: /^npm run platform -- staging --update$/,
  },
  ...["Deprecated", "Retired"].map((state): Plant => ({
    what: `a ${state.toLowerCase()} platform branch`,
    check: "platform versions",
    plant: ({ account }) => {
      const branch = [...account.branches.keys()].find((name) => name.startsWith("Python"))!;
      account.branches.set(branch, state);
    },
    wrong: new RegExp(`"Python .* running on 64bit Amazon Linux 2023" .* is ${state.toLowerCase()}`),
    fix: /^npm run platform -- staging --update$/,
  })),
  {
    what: "no default subnet",
    check: "subnet of the image builder",
    plant: ({ account }) => (account.defaultSubnets = []),
    wrong: /no default subnet/,
    fix: /aws ec2 create-default-vpc --region eu-central-1/,
  },
];
