import { STARTTLS_PORTS } from "../../policies/facts/smtp";
import { passesCompose } from "../../policies/facts/composeEnvFile";
import { plainSettings } from "../../settings/rules";
import type { Note, Part, Settings } from "../note";

/** Domains of mail servers that the policy pack knows (mail-server-known). */
const KNOWN_SERVERS = /\.(mailgun\.org|amazonaws\.com)$/;

/** The settings of mail by the variables that they come from. */
const VARIABLES = {
  emailHost: "EMAIL_HOST",
  emailPort: "EMAIL_PORT",
  emailUser: "EMAIL_HOST_USER",
  emailFrom: "DEFAULT_FROM_EMAIL",
} as const;

export const mail: Part = {
  judge: ({ web: { variables } }, set) => {
    const notes: Note[] = [];
    const settings: Settings = { emailUser: "to-decide", emailFrom: "Iaso <no-reply@to-decide.invalid>" };
    for (const [setting, variable] of Object.entries(VARIABLES) as [keyof typeof VARIABLES, string][]) {
      const value = variables[variable] ?? "";
      if (plainSettings.shape[setting].safeParse(value).success && passesCompose(value)) {
        settings[setting] = setting === "emailPort" ? Number(value) : value;
        notes.push({ kind: "taken over", what: `${variable}: ${value}.` });
      } else if (setting === "emailPort") {
        // Without one, the setting keeps its default.
        if (value === "") continue;
        notes.push({
          kind: "changes",
          what: `Mail goes out at port ${value}. The new one uses 587.`,
          why: `Iaso speaks STARTTLS, which servers take at ${STARTTLS_PORTS.join(", ")}; EC2 blocks 25.`,
        });
      } else {
        notes.push({
          kind: "decide",
          what:
            value === ""
              ? `The web environment has no variable ${variable}.`
              : `The variable ${variable} has a value that the setting ${setting} does not accept.`,
          why: "Iaso cannot send mail without it.",
          fix: set(setting),
        });
      }
    }
    const host = String(settings.emailHost ?? "");
    const isKnown = host === "" || KNOWN_SERVERS.test(host);
    if (!isKnown) {
      notes.push({
        kind: "decide",
        what: `The policy config accepts the mail server ${host}, which is neither Mailgun's nor Amazon SES's.`,
        why: "Whoever runs the server reads the links by which people set their passwords.",
      });
    }
    if (host.endsWith(".mailgun.org")) {
      notes.push({
        kind: "taken over",
        what: "Mailgun's DNS records stay as they are; the new stack does not manage them.",
      });
    }
    return { settings, notes, mailDomains: isKnown ? [] : [host.split(".").slice(1).join(".")] };
  },
};
