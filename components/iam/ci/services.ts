/** IAM prefixes of the services that the program's resources belong to. */
export const SERVICES = [
  "acm",
  "autoscaling",
  "cloudformation",
  "cloudfront",
  "cloudwatch",
  "ec2",
  "elasticache",
  "elasticbeanstalk",
  "elasticloadbalancing",
  "logs",
  "rds",
  "route53",
  "s3",
  "sns",
  "sqs",
];
