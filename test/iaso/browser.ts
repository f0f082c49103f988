import { chromium, type Page } from "playwright-core";
import { CHROMIUM } from "../report/page/browser";

export interface BrowserArgs {
  /** The origin of the web environment, such as https://iaso-staging.example.org. */
  origin: string;
  /** Names, and the port of this machine that each is at. All other names resolve to nothing. */
  hosts: Readonly<Record<string, number>>;
}

export interface Answer {
  status: number;
  body: unknown;
}

/** A user's browser. It notes errors on the console and requests that fail. */
export class Browser {
  readonly problems: string[] = [];

  private constructor(
    private readonly page: Page,
    private readonly origin: string,
    readonly close: () => Promise<void>,
  ) {
    page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.problems.push(`error: ${error.message}`));
    page.on("response", (response) => {
      if (response.status() >= 400) this.problems.push(`${response.status()} ${response.url()}`);
    });
    page.on("requestfailed", (request) => {
      const reason = request.failure()?.errorText ?? "";
      // A page that is left cancels its requests.
      if (reason !== "net::ERR_ABORTED") this.problems.push(`${reason} ${request.url()}`);
    });
  }

  static async start({ hosts, origin }: BrowserArgs): Promise<Browser> {
    const rules = Object.entries(hosts).map(([name, port]) => `MAP ${name}:443 127.0.0.1:${port}`);
    const browser = await chromium.launch({
      executablePath: CHROMIUM ?? "",
      args: [
        ...["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        `--host-resolver-rules=${[...rules, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"].join(",")}`,
      ],
    });
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    return new Browser(await context.newPage(), origin, () => browser.close());
  }

  /** Logs in with the login page. */
  async login(username: string, password: string): Promise<void> {
    await this.page.goto(`${this.origin}/login/`);
    await this.page.fill("input[name=username]", username);
    await this.page.fill("input[name=password]", password);
    await this.page.click("[type=submit]");
    await this.page.waitForURL((url) => !url.pathname.startsWith("/login"));
    await this.page.waitForLoadState("networkidle");
  }

  /** The text of the page that is shown. */
  text(): Promise<string> {
    return this.page.innerText("body");
  }

  async screenshot(path: string): Promise<void> {
    await this.page.screenshot({ path, fullPage: true });
  }

  /** Sends a request from the page, as its scripts do: with the user's session. */
  async send(method: "GET" | "POST", path: string, body?: unknown): Promise<Answer> {
    const answer = await this.page.evaluate(
      async ([verb, url, json, token]) => {
        const headers = { "X-CSRFToken": token, "Content-Type": "application/json" };
        const response = await fetch(url, { method: verb, headers, body: json });
        return { status: response.status, text: await response.text() };
      },
      [method, path, body === undefined ? undefined : JSON.stringify(body), await this.token()] as const,
    );
    return parseAnswer(answer);
  }

  /** Uploads a file with a form. */
  async upload(
    path: string,
    fields: Record<string, string>,
    file: { name: string; text: string },
  ): Promise<Answer> {
    const answer = await this.page.evaluate(
      async ([url, values, name, text, token]) => {
        const form = new FormData();
        for (const [key, value] of Object.entries(values)) form.set(key, value);
        form.set("file", new File([text], name));
        const response = await fetch(url, { method: "POST", headers: { "X-CSRFToken": token }, body: form });
        return { status: response.status, text: await response.text() };
      },
      [path, fields, file.name, file.text, await this.token()] as const,
    );
    return parseAnswer(answer);
  }

  /** Django's token against forged requests. */
  private async token(): Promise<string> {
    const cookies = await this.page.context().cookies(this.origin);
    return cookies.find(({ name }) => name === "csrftoken")?.value ?? "";
  }
}

/** An answer that is not JSON stays a text. */
function parseAnswer({ status, text }: { status: number; text: string }): Answer {
  try {
    return { status, body: JSON.parse(text) as unknown };
  } catch {
    return { status, body: text.slice(0, 2000) };
  }
}
