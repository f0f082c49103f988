import { dependenciesOf, every, regionsOf, Stack } from "../../context";
import { ENVIRONMENT, optionOf } from "../../optionSettings";
import { defineRule } from "../../rule";
import { usersOfResource } from "../../topology";
import { array, at, demand, groupBy, isUnknown, text } from "../../values";
import { CERTIFICATE, DISTRIBUTION, hostOf, RECORD, servers } from "./dns";

const VALIDATION = "aws:acm/certificateValidation:CertificateValidation";

/** The hosts of the environments, by their URNs. */
const hostsOf = (stack: Stack): Map<string, string> =>
  stack.once(
    "hosts of environments",
    () => new Map([...servers(stack)].flatMap(([host, all]) => all.map(({ urn }) => [urn, host] as const))),
  );

/** The certificates by their ARN. */
const certificatesByArn = (stack: Stack) =>
  stack.once("certificates by ARN", () =>
    groupBy(stack.ofType(CERTIFICATE), ({ outputs }) => text(outputs?.arn) || undefined),
  );

/** The URNs of the certificates that a DNS record proves. */
const provenBy = (stack: Stack): Set<string> =>
  stack.once(
    "certificates with a record",
    () => new Set(stack.ofType(RECORD).flatMap((record) => dependenciesOf(record, "records"))),
  );

export const certificatesFit = defineRule({
  name: "certificates-fit",
  kind: "values together",
  types: [CERTIFICATE, ENVIRONMENT],
  description:
    "A certificate is for one host of this platform, in the region of its use, is validated, and serves the load balancer of its host",
  why: "browsers refuse a certificate for another name, and a wildcard is valid for hosts of others",
  severity: "high",
  neighbours: true,
  parameters: {
    alsoAllowed: {
      type: "array",
      default: [],
      description: "Hosts of an existing Iaso that moves in, whose records still lead to it",
    },
  },
  check: (resource, stack) => {
    const { alsoAllowed } = stack.parameters;
    if (resource.type === ENVIRONMENT) {
      const host = hostsOf(stack).get(resource.urn);
      const arn = optionOf(resource, "aws:elbv2:listener:443", "SSLCertificateArns");
      if (arn === undefined || isUnknown(arn) || host === undefined) return [];
      const used = certificatesByArn(stack).get(text(arn)) ?? [];
      return used
        .filter(({ inputs }) => text(inputs.domainName) !== host)
        .map(
          ({ inputs }) =>
            `The certificate is for ${text(inputs.domainName)}, the host is ${host}. Write that of the host.`,
        );
    }
    const { domainName, subjectAlternativeNames, region, keyAlgorithm, certificateAuthorityArn } =
      resource.inputs;
    const { options } = resource.inputs;
    const transparency = isUnknown(options)
      ? options
      : at(options, "certificateTransparencyLoggingPreference");
    const exportable = isUnknown(options) ? options : at(options, "export");
    const hosts = stack.once(
      "hosts of records",
      () => new Set(every(stack, RECORD).map(({ inputs }) => hostOf(inputs.name))),
    );
    const named = [domainName, ...array(subjectAlternativeNames)];
    const isForCloudFront = (servers(stack).get(text(domainName)) ?? []).some(
      ({ type }) => type === DISTRIBUTION,
    );
    const wanted = isForCloudFront ? ["us-east-1"] : regionsOf(stack);
    const validations = usersOfResource(resource, VALIDATION, "certificateArn", stack);
    return [
      ...named.flatMap((name) =>
        demand(
          name,
          hosts.has(text(name)) || (name !== domainName && alsoAllowed.includes(text(name))),
          "domainName",
          "a host with a DNS record of this program, or write the host to alsoAllowed",
        ),
      ),
      ...demand(region, wanted.includes(text(region ?? regionsOf(stack)[0])), "region", wanted.join(" or ")),
      ...demand(
        keyAlgorithm,
        ["", "RSA_2048", "EC_prime256v1", "EC_secp384r1"].includes(text(keyAlgorithm)),
        "keyAlgorithm",
        "RSA_2048",
      ),
      ...demand(
        transparency,
        ["", "ENABLED"].includes(text(transparency)),
        "certificateTransparencyLoggingPreference",
        "ENABLED: browsers refuse certificates that no log shows",
      ),
      ...demand(
        exportable,
        ["", "DISABLED"].includes(text(exportable)),
        "export",
        "DISABLED: whoever exports the private key can pose as the platform",
      ),
      ...(certificateAuthorityArn === undefined ? [] : ["certificateAuthorityArn is set. Remove it."]),
      ...(validations.length > 0
        ? []
        : ["Nothing waits for the certificate. Write a CertificateValidation."]),
      ...(provenBy(stack).has(resource.urn)
        ? []
        : ["No DNS record proves the certificate. Write the one that ACM asks for."]),
    ];
  },
});
