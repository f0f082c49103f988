import { connect } from "node:net";
import { createInterface } from "node:readline";

/** Milliseconds without an answer after which a server counts as unreachable from here. */
const TIMEOUT = 5_000;

/**
 * The answer of a mail server: `starttls` if it offers STARTTLS, `plain` if it does not, `refused` if nothing
 * listens, `silent` if there is no answer, which can be due to a firewall on the way.
 */
export type SmtpAnswer = "starttls" | "plain" | "refused" | "silent";

/** Greets a mail server and asks for its extensions, without signing in. */
export async function askSmtp(address: string, port: number): Promise<SmtpAnswer> {
  const socket = connect({ host: address, port });
  const failure = new Promise<SmtpAnswer>((resolve) => {
    socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      resolve(code === "ECONNREFUSED" ? "refused" : "silent");
    });
    socket.setTimeout(TIMEOUT, () => {
      resolve("silent");
    });
  });
  try {
    return await Promise.race([failure, readExtensions(socket)]);
  } finally {
    socket.destroy();
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc3207 */
async function readExtensions(socket: ReturnType<typeof connect>): Promise<SmtpAnswer> {
  let greeted = false;
  for await (const line of createInterface({ input: socket, crlfDelay: Infinity })) {
    // "250-SIZE" continues, "250 HELP" ends an answer.
    const isLast = /^\d{3}( |$)/.test(line);
    if (greeted && /^250[ -]STARTTLS\b/i.test(line)) return "starttls";
    if (!isLast) continue;
    if (greeted) return "plain";
    if (!line.startsWith("220")) return "silent";
    greeted = true;
    socket.write("EHLO doctor.invalid\r\n");
  }
  return "silent";
}
