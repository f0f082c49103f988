/** A commercial AWS region in which Elastic Beanstalk runs. */
export interface Region {
  /** Id of the Route 53 hosted zone that an alias record to a Beanstalk environment of this region names. */
  beanstalkHostedZone: string;
  /** True if Amazon S3 has ever accepted Signature Version 2 there. Iaso then signs some media addresses with it. */
  acceptsSignatureVersion2: boolean;
  /** True if an account must enable the region before its first use. */
  optIn: boolean;
}

/**
 * The regions in which the platform can run, by region code.
 *
 * A region is listed if AWS documents the hosted zone of Beanstalk there. GovCloud and China are other partitions:
 * they have other ARNs and no CloudFront that the platform could use.
 *
 * Read on 2026-11-25 from:
 * - Hosted zones: https://docs.aws.amazon.com/general/latest/gr/elasticbeanstalk.html. The provider's function
 *   `aws.elasticbeanstalk.getHostedZone` lacks some of these regions, and returns another region's zone for
 *   ap-southeast-5, ap-southeast-7, eu-south-2 and me-central-1 (internal/service/elasticbeanstalk/
 *   hosted_zone_data_source.go of hashicorp/terraform-provider-aws).
 * - Signature Version 2 (the regions launched before 30 January 2014, a closed list):
 *   https://docs.aws.amazon.com/AmazonS3/latest/API/specify-signature-version.html and
 *   https://repost.aws/questions/QU5OKPZ-HnS1SHXX6dUbGi2w
 * - Opt-in (the regions launched after 20 March 2019):
 *   https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
 */
export const REGIONS: Readonly<Record<string, Region>> = {
  "af-south-1": optIn("Z1EI3BVKMKK4AM"),
  "ap-east-1": optIn("ZPWYUBWRU171A"),
  "ap-northeast-1": withSignatureVersion2("Z1R25G3KIG2GBW"),
  "ap-northeast-2": region("Z3JE5OI70TWKCP"),
  "ap-northeast-3": region("ZNE5GEY1TIAGY"),
  "ap-south-1": region("Z18NTBI3Y7N9TZ"),
  "ap-south-2": optIn("Z10223522IBWPBF2C2FJS"),
  "ap-southeast-1": withSignatureVersion2("Z16FZ9L249IFLT"),
  "ap-southeast-2": withSignatureVersion2("Z2PCDNR3VC2G1N"),
  "ap-southeast-3": optIn("Z05913172VM7EAZB40TA8"),
  "ap-southeast-4": optIn("Z0666869LC74UHAO5YE4"),
  "ap-southeast-5": optIn("Z01812971H0QCYWSL7WOH"),
  "ap-southeast-6": optIn("Z01144401H1NECCLJDD4D"),
  "ap-southeast-7": optIn("Z08384933QM5LSQCVMNZM"),
  "ca-central-1": region("ZJFCZL7SSZB5I"),
  "ca-west-1": optIn("Z1021028356Y0CYS11DQI"),
  "eu-central-1": region("Z1FRNW7UH4DEZJ"),
  "eu-central-2": optIn("Z00227012FSHBMZNNSJJI"),
  "eu-north-1": region("Z23GO28BZ5AETM"),
  "eu-south-1": optIn("Z10VDYYOA2JFKM"),
  "eu-south-2": optIn("Z0243492AO4B9S3KI68O"),
  "eu-west-1": withSignatureVersion2("Z2NYPWQ7DFZAZH"),
  "eu-west-2": region("Z1GKAAAUGATPF1"),
  "eu-west-3": region("Z5WN6GAYWG5OB"),
  "il-central-1": optIn("Z02941091PERNCB1MI5H7"),
  "me-central-1": optIn("Z0650511N84AAKGW7QUK"),
  "me-south-1": optIn("Z2BBTEKR2I36N2"),
  "sa-east-1": withSignatureVersion2("Z10X7K2B4QSOFV"),
  "us-east-1": withSignatureVersion2("Z117KPS5GTRQ2G"),
  "us-east-2": region("Z14LCN19Q5QHIC"),
  "us-west-1": withSignatureVersion2("Z1LQECGX5PH1X"),
  "us-west-2": withSignatureVersion2("Z38NKT9BP95V3O"),
};

function region(beanstalkHostedZone: string): Region {
  return { beanstalkHostedZone, acceptsSignatureVersion2: false, optIn: false };
}

function withSignatureVersion2(beanstalkHostedZone: string): Region {
  return { ...region(beanstalkHostedZone), acceptsSignatureVersion2: true };
}

function optIn(beanstalkHostedZone: string): Region {
  return { ...region(beanstalkHostedZone), optIn: true };
}
