import type { Clients } from "../../doctor/clients";
import { listEnvironments } from "../../doctor/reads";
import { type ExistingHost, type ExistingZone, readHost, readZones } from "./dns";
import {
  type Choice,
  chosen,
  type ExistingEnvironment,
  isEnketo,
  readEnvironment,
  rolesOf,
} from "./environments";

/** The environments of one Iaso, and the host names that lead to them. */
export interface ExistingIaso {
  web: ExistingEnvironment;
  worker?: ExistingEnvironment;
  /** The Enketo to which the web environment's ENKETO_URL points, or the only one. */
  enketo?: ExistingEnvironment;
  /** Other environments with Enketo's variables. */
  otherEnketo: ExistingEnvironment[];
  /** The account's public hosted zones. */
  zones: ExistingZone[];
  webHost?: ExistingHost;
  enketoHost?: ExistingHost;
}

/** Reads something that the rest can do without; undefined if AWS does not show it. */
export type Attempt = <T>(what: string, read: () => Promise<T> | T) => Promise<T | undefined>;

/**
 * @param attempt By default, every error is thrown.
 * @throws UserError if there is no such Iaso
 */
export async function readIaso(
  clients: Clients,
  choice: Choice,
  attempt: Attempt = async (_what, read) => read(),
): Promise<ExistingIaso> {
  const all = await listEnvironments(clients);
  const found: ExistingEnvironment[] = [];
  for (const one of chosen(all, choice)) found.push(await readEnvironment(clients, one));
  const { enketo: ownEnketo, web, worker } = rolesOf(found, choice.application);

  const zones = (await attempt("the hosted zones", () => readZones(clients))) ?? [];
  const host = (name = "") =>
    name === "" ? undefined : attempt(`the DNS records of ${name}`, () => readHost(clients, zones, name));
  const webHost = await host(hostOf(web.variables["DNS_DOMAIN"]));
  const enketoHost = await host(hostOf(web.variables["ENKETO_URL"]));

  // Enketo often has an application of its own: the record of its host leads there.
  const target = enketoHost?.target ?? enketoHost?.name ?? "";
  const leadsTo = (one: { cname?: string; endpoint?: string }) =>
    target !== "" && [one.cname, one.endpoint].some((name) => name?.toLowerCase() === target);
  const others: ExistingEnvironment[] = [];
  for (const one of all) {
    if (found.some(({ name }) => name === one.EnvironmentName)) continue;
    if (leadsTo({ cname: one.CNAME, endpoint: one.EndpointURL }))
      others.push(await readEnvironment(clients, one));
  }
  const candidates = [...ownEnketo, ...others.filter(isEnketo)];
  const enketo = candidates.find(leadsTo) ?? (candidates.length === 1 ? candidates[0] : undefined);
  const otherEnketo = candidates.filter((one) => one !== enketo);
  return { web, worker, enketo, otherEnketo, zones, webHost, enketoHost };
}

/** The host name of a URL, or of an address without a scheme; empty if there is none. */
function hostOf(address = ""): string {
  const url = /^\w+:\/\//.test(address) ? address : `https://${address}`;
  return URL.canParse(url) ? new URL(url).hostname : "";
}
