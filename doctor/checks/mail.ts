import { NotChecked } from "../errors";
import { type Check, type Finding, ok } from "../check";
import { askSmtp } from "../smtp";

const WHY_SPF = "Receivers treat Iaso's mail as spam, so users get no invitations and no password resets.";

export const mailServer: Check = {
  name: "mail server",
  phase: "preflight",
  async check({ dns, stack }) {
    const { host, port } = stack.mail;
    const where = `${host}:${port}`;
    const why = "Iaso could send no invitations and no password resets.";
    const fix = `Check the settings: ${stack.setCommand("emailHost")} HOST; ${stack.setCommand("emailPort")} PORT`;
    const [address] = await dns.addresses(host);
    if (address === undefined) {
      return { findings: [{ wrong: `DNS has no address of the mail server ${host}.`, why, fix }] };
    }
    switch (await askSmtp(address, port)) {
      case "starttls":
        return ok(where);
      case "refused":
        return { findings: [{ wrong: `The mail server ${where} refuses connections.`, why, fix }] };
      case "plain":
        return { findings: [{ wrong: `The mail server ${where} does not offer STARTTLS.`, why, fix }] };
      case "silent":
        throw new NotChecked(`no mail server answers at ${where} from here; a firewall may be in the way`);
    }
  },
};

/** The sender's records, if this program does not create them. */
export const senderRecords: Check = {
  name: "DNS records of the sender",
  phase: "preflight",
  async check({ dns, stack }) {
    const { host, mailgun, senderDomain } = stack.mail;
    if (mailgun !== undefined) return ok("the stack creates them");
    if ((await dns.texts(senderDomain)).some((text) => /^v=spf1\b/i.test(text))) return ok();
    return {
      findings: [
        {
          wrong: `The sender's domain ${senderDomain} has no SPF record.`,
          why: WHY_SPF,
          fix: `Create the TXT record of ${senderDomain} that the provider of ${host} documents, "v=spf1 include:... ~all"`,
        },
      ],
    };
  },
};

/** @see https://documentation.mailgun.com/docs/mailgun/user-manual/domains/domains-verify */
export const mailgunRecords: Check = {
  name: "DNS records of Mailgun",
  phase: "check-up",
  async check({ dns, stack }) {
    const { mailgun } = stack.mail;
    if (mailgun === undefined) return ok("mail goes through another provider");
    const { domain, dkimRecord, dkimSelector } = mailgun;
    const dkimName = `${dkimSelector}._domainkey.${domain}`;
    const [texts, keys, servers] = await Promise.all([
      dns.texts(domain),
      dns.texts(dkimName),
      dns.mailServers(domain),
    ]);
    const compact = (text: string) => text.replace(/\s/g, "");
    const missing: string[] = [];
    if (!texts.some((text) => /^v=spf1\b.*\binclude:mailgun\.org\b/i.test(text)))
      missing.push(`SPF (TXT ${domain})`);
    if (!keys.some((key) => compact(key) === compact(dkimRecord))) missing.push(`DKIM (TXT ${dkimName})`);
    if (!servers.some((server) => /\.mailgun\.org\.?$/i.test(server))) missing.push(`MX ${domain}`);
    return {
      findings: missing.map((record): Finding => ({
        wrong: `DNS does not have the record that Mailgun asks for: ${record}.`,
        why: WHY_SPF,
        fix: `pulumi up --stack ${stack.name} --refresh`,
      })),
    };
  },
};
