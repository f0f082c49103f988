import { PolicyStatement } from "../policyDocument";

/**
 * The reads of `npm run doctor` that go beyond the resources of the program: names that are taken, quotas, and settings
 * of the account. None of them takes a resource of this program.
 */
export const DOCTOR_STATEMENT: PolicyStatement = {
  Sid: "ExamineAccount",
  Effect: "Allow",
  Action: [
    "backup:ListRecoveryPointsByBackupVault",
    "cloudwatch:GetMetricStatistics",
    "ec2:GetEbsEncryptionByDefault",
    "elasticbeanstalk:CheckDNSAvailability",
    "s3:GetAccountPublicAccessBlock",
    "s3:ListAllMyBuckets",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
  ],
  Resource: "*",
};
