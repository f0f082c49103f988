import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { parse } from "yaml";
import { STATIC } from "../deploy/double/aws";
import { type UnzippedEntry } from "../deploy/source/checkout";
import { type Account } from "./account";
import { type Browser } from "./browser";
import { judgeAddress } from "./mediaAddress";
import { type Sqsd } from "./sqsd";

const MINUTE = 60_000;

/** Repeats an attempt for a time, in seconds. */
export async function within<T>(seconds: number, attempt: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(500);
    }
  }
}

/** Checks that the application answers as the given version, through the load balancer. */
export async function checkHealth(browser: Browser, version: string): Promise<void> {
  await within(60, async () => {
    const { body, status } = await browser.send("GET", "/_health/");
    expect(status).to.equal(200);
    expect(body).to.have.property("VERSION", version);
    expect(body).not.to.have.property("error", "db_fail");
  });
}

/** Checks the headers of the published static files, and that no source map is in the bundle. */
export function checkStaticFiles({ double }: Account, bundle: ReadonlyMap<string, UnzippedEntry>): void {
  const keys = double.s3.keys(STATIC, "static/");
  const withDigest = keys.filter((key) => /[.-][0-9a-f]{16,}\.[a-z]+$/.test(key));
  expect(withDigest).not.to.be.empty;
  for (const key of withDigest) {
    expect(double.s3.get(STATIC, key)?.headers["cache-control"], key).to.contain("immutable");
  }
  const types = { css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8" };
  for (const [extension, type] of Object.entries(types)) {
    const objects = keys
      .filter((key) => key.endsWith(`.${extension}`))
      .map((key) => double.s3.get(STATIC, key));
    expect(objects, extension).not.to.be.empty;
    for (const object of objects) {
      expect(object?.headers["content-type"]).to.equal(type);
      expect(object?.headers["content-encoding"] === "gzip").to.equal(object?.body[0] === 0x1f);
    }
  }
  expect([...bundle.keys()].filter((path) => /\.(js|css)\.map$/.test(path))).to.deep.equal([]);
}

/** Uploads a file, and checks the decisions of the bucket's policy about the address that the application gives. */
export async function checkMedia({ document }: Account, browser: Browser): Promise<void> {
  const forms = await browser.send("GET", "/api/forms/");
  expect(forms.status).to.equal(200);
  const [form] = (forms.body as { forms: { id: number }[] }).forms;
  const file = { name: "photo.txt", text: `photo ${Date.now()}` };
  const fields = { form_id: String(form?.id) };
  const { body, status } = await browser.upload("/api/formattachments/", fields, file);
  expect(status, JSON.stringify(body)).to.equal(201);
  const address = (body as { file: string }).file;
  const { hostname, protocol } = new URL(address);
  expect(protocol).to.equal("https:");
  expect(hostname).to.match(/^example-iaso-staging-media\.s3\.(eu-central-1\.)?amazonaws\.com$/);
  const now = Date.now();
  expect(judgeAddress(document, address, now)).to.equal("allow");
  expect(judgeAddress(document, address, now + 14 * MINUTE)).to.equal("allow");
  expect(judgeAddress(document, address, now + 16 * MINUTE)).to.equal("deny");
  expect(judgeAddress(document, address.split("?")[0] ?? "", now)).to.equal("deny");
  expect(judgeAddress(document, address.replace("https:", "http:"), now)).to.equal("deny");
}

/** Starts a background task on the web instance, and waits until the worker has run it. */
export async function checkTask(browser: Browser): Promise<void> {
  const { body, status } = await browser.send("POST", "/api/tasks/create/orgunitsbulkupdate/", {
    select_all: true,
    validation_status: "VALID",
  });
  expect(status, JSON.stringify(body)).to.equal(201);
  const { id } = (body as { task: { id: number } }).task;
  await within(60, async () => {
    const task = await browser.send("GET", `/api/tasks/${id}/`);
    expect(task.body, JSON.stringify(task.body)).to.have.property("status", "SUCCESS");
  });
}

/** Sends each periodic task of a bundle, and checks that the application accepts it. */
export async function checkPeriodicTasks(
  account: Account,
  sqsd: Sqsd,
  bundle: ReadonlyMap<string, UnzippedEntry>,
): Promise<number> {
  const text = bundle.get("cron.yaml")?.content.toString() ?? "cron: []";
  const tasks = (parse(text) as { cron: { name: string; url: string }[] }).cron;
  const before = sqsd.accepted;
  for (const { name, url } of tasks) await sqsd.schedule(name, url);
  await within(60, () => {
    expect(sqsd.refused).to.deep.equal([]);
    expect(sqsd.accepted).to.be.at.least(before + tasks.length);
    return Promise.resolve();
  });
  expect(await account.deadLetters()).to.equal(0);
  return tasks.length;
}
