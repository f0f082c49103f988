import { BlockList, isIP } from "node:net";

interface Range {
  network: string;
  length: number;
  family: "ipv4" | "ipv6";
}

/** Reads a range in CIDR notation; a single address is a range of one. Undefined if the text is neither. */
export function rangeOf(cidr: string): Range | undefined {
  const [, network = "", length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(cidr) ?? [];
  const version = isIP(network);
  if (version === 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  const read = length === undefined ? bits : Number(length);
  return read <= bits ? { network, length: read, family: version === 4 ? "ipv4" : "ipv6" } : undefined;
}

/** True if all addresses of the inner range are in the outer one. False if one of the texts is not a range. */
export function isWithin(inner: string, outer: string): boolean {
  const [a, b] = [rangeOf(inner), rangeOf(outer)];
  if (a === undefined || b === undefined || a.family !== b.family || a.length < b.length) return false;
  const list = new BlockList();
  list.addSubnet(b.network, b.length, b.family);
  return list.check(a.network, a.family);
}

/** True for the range of all IPv4 addresses, or of all IPv6 addresses. */
export const isEveryAddress = (cidr: string): boolean => cidr === "0.0.0.0/0" || cidr === "::/0";

/**
 * The ranges that are not routed on the internet.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1918 and https://www.rfc-editor.org/rfc/rfc4193
 */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/** True if a range contains private addresses only. */
export function isPrivateRange(cidr: string): boolean {
  return PRIVATE.some((network) => isWithin(cidr, network));
}
