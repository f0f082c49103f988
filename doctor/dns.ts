import type { CaaRecord } from "node:dns";
import { Resolver } from "node:dns/promises";
import { UserError } from "../cli/userError";
import { Unreachable } from "./errors";

/** Milliseconds that a DNS server has for the first answer; it doubles with each try. */
const TIMEOUT = 2_000;
const TRIES = 3;

/** Answers that say that a name, or a record of this type, does not exist. */
const ABSENT = ["ENODATA", "ENOTFOUND"];

/**
 * DNS as the public sees it. Every look-up returns an empty list if the record does not exist.
 * @throws Unreachable from every look-up if the DNS server does not answer or fails.
 */
export class Dns {
  private readonly resolver = new Resolver({ timeout: TIMEOUT, tries: TRIES });

  /**
   * @param server Address of a DNS server, such as `1.1.1.1` or `127.0.0.1:5353`; the system's if undefined.
   * @throws UserError if it is not an address.
   */
  constructor(server?: string) {
    if (server === undefined) return;
    try {
      this.resolver.setServers([server]);
    } catch (error) {
      throw new UserError(`"${server}" is not the address of a DNS server.`, "--dns-server 1.1.1.1", {
        cause: error,
      });
    }
  }

  nameServers(name: string): Promise<string[]> {
    return look(`NS ${name}`, () => this.resolver.resolveNs(name));
  }

  caa(name: string): Promise<CaaRecord[]> {
    return look(`CAA ${name}`, () => this.resolver.resolveCaa(name));
  }

  /** The strings of each record joined, as mail servers read them. */
  async texts(name: string): Promise<string[]> {
    const records = await look(`TXT ${name}`, () => this.resolver.resolveTxt(name));
    return records.map((parts) => parts.join(""));
  }

  async mailServers(name: string): Promise<string[]> {
    const records = await look(`MX ${name}`, () => this.resolver.resolveMx(name));
    return records.map(({ exchange }) => exchange);
  }

  addresses(name: string): Promise<string[]> {
    return look(`A ${name}`, () => this.resolver.resolve4(name));
  }
}

async function look<T>(question: string, ask: () => Promise<T[]>): Promise<T[]> {
  try {
    return await ask();
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (ABSENT.includes(code)) return [];
    if (error instanceof Error && code !== "") {
      throw new Unreachable(`DNS gives no answer to ${question} (${code})`, { cause: error });
    }
    throw error;
  }
}
