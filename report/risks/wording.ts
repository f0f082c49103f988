import { PreviewResource, PropertyValue } from "../../graph/document";
import { isAbsent, own } from "../values";
import { Risk } from "./types";

/** A list of one risk. */
export function risk(kind: Risk["kind"], message: string, severe = false): Risk[] {
  return [{ kind, severe, message: `${message}.` }];
}

/** Names for types whose own name is too short. */
const NAMES: Record<string, string> = {
  "aws:rds/instance:Instance": "Database instance",
  "aws:elasticbeanstalk/environment:Environment": "Beanstalk environment",
  "aws:elasticbeanstalk/application:Application": "Beanstalk application",
  "aws:iam/policy:Policy": "IAM policy",
  "aws:iam/role:Role": "IAM role",
  "aws:ssm/parameter:Parameter": "SSM parameter",
  "aws:ec2/eip:Eip": "Elastic IP address",
};

/** Type and name for people: `Bucket public access block media`. */
export function label({ type, name }: PreviewResource): string {
  return `${own(NAMES, type) ?? words(type.split(":").at(-1) ?? type)} ${name}`;
}

/** `Bucket public access block` for `BucketPublicAccessBlock`. */
function words(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** `set to 1`, `removed (was 1)` or `changed from 1 to 2`. */
export function transition(before: PropertyValue | undefined, after: PropertyValue | undefined): string {
  if (isAbsent(before)) return `set to ${brief(after)}`;
  return isAbsent(after)
    ? `removed (was ${brief(before)})`
    : `changed from ${brief(before)} to ${brief(after)}`;
}

const MAX_LENGTH = 80;

function brief(value: PropertyValue | undefined): string {
  const text = shown(value);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}...` : text;
}

/** A value as text. */
export function shown(value: PropertyValue | undefined): string {
  if (isAbsent(value)) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}
