import { UserError } from "../../cli/userError";
import { ROLES } from "./find";
import { describeLook, deviations, type PairLook } from "./state";

/**
 * The version that both environments run.
 * @throws UserError where they run different versions or are not Ready; and, unless `allowUnhealthy`, where one of
 *   them is not healthy.
 */
export function requireOneVersion(env: string, look: PairLook, allowUnhealthy: boolean): string {
  const busy = ROLES.filter((role) => look[role].status !== "Ready");
  if (busy.length > 0) {
    const names = busy.map((role) => `${role} (${look[role].name}) is ${look[role].status}`).join(", ");
    throw new UserError(
      `${env} is not ready for a deployment: ${names}.`,
      `Wait until Beanstalk has finished, and see: npm run deploy -- status ${env}`,
    );
  }
  const version = look.web.version;
  if (version === undefined || ROLES.some((role) => deviations(look[role], version).length > 0)) {
    const states = ROLES.map((role) => `${role} ${describeLook(look[role])}`).join("; ");
    throw new UserError(
      `The environments of ${env} do not run one version: ${states}.`,
      `npm run deploy -- repair ${env}`,
    );
  }
  const ill = ROLES.filter((role) => look[role].health !== "Ok");
  if (ill.length > 0 && !allowUnhealthy) {
    const states = ill.map((role) => `${role} (${look[role].name}) is ${look[role].health}`).join(", ");
    throw new UserError(
      `${env} is not healthy: ${states}. A deployment could not be told from what is already wrong.`,
      `npm run deploy -- rollback ${env} (or add --allow-unhealthy to deploy the version that mends it)`,
    );
  }
  return version;
}
