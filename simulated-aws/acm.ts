import { arn, digest, idFromInputs, ResourceTypes, requiredText, uuid } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:acm/certificate:Certificate": (creation) => {
    const domain = requiredText(creation.inputs, "domainName");
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
        domainValidationOptions: [
          {
            domainName: domain,
            resourceRecordName: `_${digest(domain, 32)}.${domain}.`,
            resourceRecordType: "CNAME",
            resourceRecordValue: `_${digest(`${domain} proof`, 32)}.acm-validations.aws.`,
          },
        ],
      },
    };
  },
  "aws:acm/certificateValidation:CertificateValidation": idFromInputs("certificateArn"),
};
