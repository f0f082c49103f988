import { Role } from "../../authorization";
import { type AwsDouble, ENV } from "./aws";
import { type RunningDouble, serve } from "./server";

/** Credentials of the account whose environment is called demo. */
export const DEMO_KEYS = { AWS_ACCESS_KEY_ID: "AKIADEMO", AWS_SECRET_ACCESS_KEY: "example" };

/** The AWS CLI's configuration with the profile `of-demo`. */
export const DEMO_CONFIG = `[profile of-demo]
aws_access_key_id = ${DEMO_KEYS.AWS_ACCESS_KEY_ID}
aws_secret_access_key = ${DEMO_KEYS.AWS_SECRET_ACCESS_KEY}
`;

/** The name in that account of what has a name of staging. */
export function demoName(name: string): string {
  return name.replaceAll(`iaso-${ENV}`, "iaso-demo");
}

/** Serves two accounts: that of `demo` to its keys, and the other one to all other keys. */
export async function serveTwoAccounts(demo: AwsDouble, other: AwsDouble): Promise<RunningDouble> {
  const running = await serve({
    handle(request) {
      const isDemo = request.headers["authorization"]?.includes(DEMO_KEYS.AWS_ACCESS_KEY_ID) === true;
      return (isDemo ? demo : other).handle(request);
    },
  });
  other.describeTarget(running.url);
  const parameter = "/iaso/demo/deployment";
  const target = demo.parameters.get(parameter) ?? "";
  demo.parameters.set(parameter, target.replace("https://sqs.eu-central-1.amazonaws.com", running.url));
  return running;
}

/** Calls the environment of an account demo. The roles of the double are those of staging, so it gets all rights. */
export function renameToDemo(double: AwsDouble): void {
  double.role = new Role([{ Effect: "Allow", Action: "*", Resource: "*" }]);
  const target = double.parameters.get(`/iaso/${ENV}/deployment`) ?? "";
  double.parameters.set("/iaso/demo/deployment", demoName(target));
  double.s3.rename(demoName);
  for (const version of double.beanstalk.versions.values()) version.bucket = demoName(version.bucket);
  for (const { settings } of double.beanstalk.environments)
    settings.application = demoName(settings.application);
  double.environment("iaso-demo").settings.tags = {};
  for (const { settings } of [double.web, double.worker]) settings.tags = { ...settings.tags, env: "demo" };
}
