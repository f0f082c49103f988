import { Properties } from "../graph/document";
import * as acm from "./acm";
import * as cloudfront from "./cloudfront";
import * as cloudwatch from "./cloudwatch";
import * as command from "./command";
import * as ec2 from "./ec2";
import * as elasticache from "./elasticache";
import * as elasticbeanstalk from "./elasticbeanstalk";
import * as iam from "./iam";
import * as lb from "./lb";
import * as messaging from "./messaging";
import { Account, Created, Creation, Functions, ResourceTypes } from "./model";
import * as rds from "./rds";
import * as route53 from "./route53";
import * as s3 from "./s3";
import * as ssm from "./ssm";

const services: { resourceTypes?: ResourceTypes; functions?: Functions }[] = [
  acm,
  cloudfront,
  cloudwatch,
  command,
  ec2,
  elasticache,
  elasticbeanstalk,
  iam,
  lb,
  messaging,
  rds,
  route53,
  s3,
  ssm,
];
const resourceTypes = merge(services.map((service) => service.resourceTypes ?? {}));
const functions = merge(services.map((service) => service.functions ?? {}));

/**
 * What AWS would answer to the creation of a resource.
 *
 * @throws Error where the type is not simulated, and says which file to extend.
 */
export function createResource(type: string, creation: Creation): Created {
  const behaviour = resourceTypes[type];
  if (behaviour === undefined) {
    throw new Error(
      `The simulated AWS knows no resource type ${type} (resource ${creation.name}). ` +
        `Add its behaviour to simulated-aws/${serviceOf(type)}.ts.`,
    );
  }
  try {
    return behaviour(creation);
  } catch (error) {
    throw new Error(`${type} ${creation.name}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * What AWS would answer to a function call.
 *
 * @throws Error where the function is not simulated, and says which file to extend.
 */
export function callFunction(token: string, args: Properties, account: Account): Properties {
  const answer = functions[token];
  if (answer === undefined) {
    throw new Error(
      `The simulated AWS knows no function ${token}. Add its answer to simulated-aws/${serviceOf(token)}.ts.`,
    );
  }
  return answer(args, account);
}

function merge<Value>(records: Record<string, Value>[]): Record<string, Value> {
  return Object.fromEntries(records.flatMap((record) => Object.entries(record)));
}

/** `rds` of `aws:rds/instance:Instance`. */
function serviceOf(token: string): string {
  return token.split(":")[1]?.split("/")[0] ?? token;
}
