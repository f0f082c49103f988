import { Properties } from "../graph/document";
import * as acm from "./acm";
import * as backup from "./backup";
import * as cloudfront from "./cloudfront";
import * as cloudwatch from "./cloudwatch";
import * as command from "./command";
import * as ec2 from "./ec2";
import * as ecr from "./ecr";
import * as elasticache from "./elasticache";
import * as elasticbeanstalk from "./elasticbeanstalk";
import * as iam from "./iam";
import * as kms from "./kms";
import * as lb from "./lb";
import { AccountRegion, Created, Creation, Functions, ResourceTypes } from "./model";
import * as rds from "./rds";
import * as route53 from "./route53";
import * as s3 from "./s3";
import * as sns from "./sns";
import * as sqs from "./sqs";
import * as ssm from "./ssm";
import * as vpc from "./vpc";
import * as wafv2 from "./wafv2";

/** The simulated services, by the module that Pulumi has for each, which is also the name of its file. */
const SERVICES: Record<string, { resourceTypes: ResourceTypes; functions?: Functions }> = {
  acm,
  backup,
  cloudfront,
  cloudwatch,
  command,
  ec2,
  ecr,
  elasticache,
  elasticbeanstalk,
  iam,
  kms,
  lb,
  rds,
  route53,
  s3,
  sns,
  sqs,
  ssm,
  vpc,
  wafv2,
};

/**
 * Returns the id and the outputs that AWS would give a new resource.
 *
 * @throws Error if the type is not simulated; it names the files to extend.
 */
export function createResource(type: string, creation: Creation): Created {
  const behaviour = SERVICES[serviceOf(type)]?.resourceTypes[type];
  if (behaviour === undefined) {
    throw new Error(
      `The simulated AWS knows no resource type ${type} (resource ${creation.name}). ` +
        `Add its row to policies/facts/resourceTypes.ts and its behaviour to ${fileOf(type)}.`,
    );
  }
  try {
    return behaviour(creation);
  } catch (error) {
    throw new Error(`${type} ${creation.name}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Returns the result of a function call, such as `aws:route53/getZone:getZone`.
 *
 * @throws Error if the function is not simulated; it names the file to extend.
 */
export function callFunction(token: string, args: Properties, account: AccountRegion): Properties {
  const answer = SERVICES[serviceOf(token)]?.functions?.[token];
  if (answer === undefined) {
    throw new Error(`The simulated AWS knows no function ${token}. Add its result to ${fileOf(token)}.`);
  }
  return answer(args, account);
}

/** The service of a token: `rds` of `aws:rds/instance:Instance`, `command` of `command:local:Command`. */
function serviceOf(token: string): string {
  const [provider = "", module = ""] = token.split(":");
  return provider === "aws" ? (module.split("/")[0] ?? "") : provider;
}

/** Names the file to extend for a token. */
function fileOf(token: string): string {
  const service = serviceOf(token);
  const file = `simulated-aws/${service}.ts`;
  return service in SERVICES ? file : `a new file ${file}, which simulated-aws/index.ts lists`;
}
