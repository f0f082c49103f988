import { arn, digest, idFromInputs, ResourceTypes, requiredText, uuid } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:acm/certificate:Certificate": (creation) => {
    const domain = requiredText(creation.inputs, "domainName");
    const others = creation.inputs.subjectAlternativeNames;
    const names = [domain, ...(Array.isArray(others) ? (others as string[]) : [])];
    const region = typeof creation.inputs.region === "string" ? creation.inputs.region : creation.region;
    const id = arn(
      { ...creation, region },
      "acm",
      `certificate/${uuid(`${creation.name} ${region} ${domain}`)}`,
    );
    return {
      id,
      outputs: {
        arn: id,
        status: "PENDING_VALIDATION",
        domainValidationOptions: names.map((name) => ({
          domainName: name,
          resourceRecordName: `_${digest(name, 32)}.${name}.`,
          resourceRecordType: "CNAME",
          resourceRecordValue: `_${digest(`${name} proof`, 32)}.acm-validations.aws.`,
        })),
      },
    };
  },
  "aws:acm/certificateValidation:CertificateValidation": idFromInputs("certificateArn"),
};
