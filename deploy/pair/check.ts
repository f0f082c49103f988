import { UserError } from "../../cli/userError";
import { ROLES } from "./find";
import { canBeCompared } from "./health";
import { deviations, formatState, type PairState } from "./state";

/**
 * The label that Beanstalk shows for an environment without an application version. No version has it, so no rollback
 * can return to it.
 */
const SAMPLE_APPLICATION = "Sample Application";

/**
 * The version that both environments run.
 *
 * @throws UserError if they run different versions or none at all, or are not Ready; and, unless `allowUnhealthy`, if
 *   one of them is so unhealthy that nothing could show whether a new version works
 */
export function requireSameVersion(env: string, state: PairState, allowUnhealthy: boolean): string {
  const busy = ROLES.filter((role) => state[role].status !== "Ready");
  if (busy.length > 0) {
    const names = busy.map((role) => `${role} (${state[role].name}) is ${state[role].status}`).join(", ");
    throw new UserError(
      `${env} is not ready for a deployment: ${names}.`,
      `Wait until Beanstalk has finished; npm run deploy -- status ${env} shows the progress`,
    );
  }
  const version = state.web.version;
  if (version === undefined || ROLES.some((role) => deviations(state[role], version).length > 0)) {
    const states = ROLES.map((role) => `${role} ${formatState(state[role])}`).join("; ");
    throw new UserError(
      `The environments of ${env} run different versions: ${states}.`,
      `npm run deploy -- repair ${env}`,
    );
  }
  if (version === SAMPLE_APPLICATION) {
    const { name } = state.web;
    throw new UserError(
      `The environments of ${env} run Beanstalk's sample application, which no rollback can return to.`,
      `Give both the first version that \`pulumi up --stack ${env}\` has created (label first-python or first-docker): ` +
        `aws elasticbeanstalk update-environment --environment-name ${name} --version-label LABEL`,
    );
  }
  const unhealthy = ROLES.filter((role) => !canBeCompared(state[role].health));
  if (unhealthy.length > 0 && !allowUnhealthy) {
    const states = unhealthy
      .map((role) => `${role} (${state[role].name}) is ${state[role].health}`)
      .join(", ");
    throw new UserError(
      `${env} is unhealthy: ${states}. The tool could not tell whether a new version works.`,
      `npm run deploy -- rollback ${env}, or deploy a version that fixes it with --allow-unhealthy`,
    );
  }
  return version;
}
