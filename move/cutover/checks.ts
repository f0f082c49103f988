import { z } from "zod";
import { describeError } from "../../cli/awsErrors";
import { Unfinished } from "../../coordination/unfinished";
import { verifyClosed } from "../../deploy/maintenance/verify";
import { type Context } from "./context";
import { type LockedSession } from "./session";

/**
 * Checks that the new platform works with the restored database: its health, the static files of the login page and, with
 * a user, a login, a form and a file of media.
 *
 * @throws Unfinished with all problems
 */
export async function check({ journal, pair, session }: Context): Promise<void> {
  const problems = await session.progress.step("Check the new platform", async (log) => {
    const unhealthy = await verifyClosed(session, pair, journal.current.health);
    if (unhealthy.length > 0) return unhealthy;
    log("Iaso works with its database, and the instances are as healthy as before.");
    return [
      ...(await problemsOf("The login page", () => checkLoginPage(session, log))),
      ...(await problemsOf("The check with a user", () => checkUser(session, log))),
    ];
  });
  if (problems.length > 0) throw new Unfinished(problems.join(" "));
}

async function problemsOf(what: string, run: () => Promise<string | undefined>): Promise<string[]> {
  try {
    const problem = await run();
    return problem === undefined ? [] : [`${what}: ${problem}.`];
  } catch (error) {
    return [`${what} failed: ${describeError(error)}`];
  }
}

/** Loads the login page and the static files in it. */
async function checkLoginPage(
  { request, target }: LockedSession,
  log: (line: string) => void,
): Promise<string | undefined> {
  const { status, text } = await request(new URL("/login/", target.webUrl));
  if (status !== 200) return `HTTP ${status}`;
  const files = [...text.matchAll(/\b(?:src|href)="([^"]+)"/g)]
    .map(([, address = ""]) => new URL(address, target.webUrl).href)
    .filter((address) => address.startsWith(target.staticUrl));
  if (files.length === 0) return `it has no file of ${target.staticUrl}`;
  for (const file of new Set(files)) {
    const answer = await request(new URL(file));
    if (answer.status !== 200) return `HTTP ${answer.status} for ${file}`;
  }
  log(`The login page and its ${new Set(files).size} static files load.`);
  return undefined;
}

const token = z.object({ access: z.string() });
const forms = z.object({
  forms: z.array(
    z.object({
      name: z.string().nullish(),
      latest_form_version: z.object({ file: z.string().nullish() }).nullish(),
    }),
  ),
});

/**
 * Logs in, reads forms, and downloads the file of one, which is a file of media.
 *
 * @see https://github.com/BLSQ/iaso/blob/main/iaso/urls.py
 */
async function checkUser(
  { progress, request, target, user }: LockedSession,
  log: (line: string) => void,
): Promise<string | undefined> {
  if (user === undefined) {
    log("No login was checked: name a user with --user.");
    return undefined;
  }
  const json = { "content-type": "application/json", accept: "application/json" };
  const login = await request(new URL("/api/token/", target.webUrl), {
    method: "POST",
    headers: json,
    body: JSON.stringify({ username: user.name, password: user.password }),
  });
  if (login.status !== 200) return `${user.name} could not log in: HTTP ${login.status}`;
  const { access } = token.parse(JSON.parse(login.text));
  progress.hide(access);
  const fields = "/api/forms/?fields=id,name,latest_form_version&limit=50&page=1&order=-id";
  const listed = await request(new URL(fields, target.webUrl), {
    headers: { ...json, authorization: `Bearer ${access}` },
  });
  if (listed.status !== 200) return `the forms could not be read: HTTP ${listed.status}`;
  const found = forms.parse(JSON.parse(listed.text)).forms;
  if (found.length === 0) return `${user.name} sees no form`;
  const form = found.find(({ latest_form_version: version }) => (version?.file ?? "") !== "");
  const file = form?.latest_form_version?.file;
  if (file === undefined || file === null) {
    log(`${user.name} logged in and sees forms; none of the newest has a file.`);
    return undefined;
  }
  // The address is signed: nothing may print it.
  progress.hide(file);
  const media = await request(new URL(file, target.webUrl));
  if (media.status !== 200 || media.text === "") {
    return `the file of the form ${form?.name ?? ""} could not be loaded: HTTP ${media.status}`;
  }
  log(`${user.name} logged in, sees forms, and the file of "${form?.name ?? ""}" loads.`);
  return undefined;
}
