import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import type { AxeResults } from "axe-core";
import { Browser, Page } from "playwright-core";
import { PreviewDocument, PreviewResource } from "../../../graph/document";
import { page as render } from "../../../report/page/page";
import { compare, StackReport } from "../../../report/report";
import { previewOf, writeExampleProject } from "../../support";
import { CHROMIUM, launch } from "./browser";
import { reportOn, withResources } from "../reports";

const axe = readFileSync(createRequire(__filename).resolve("axe-core/axe.min.js"), "utf8");

const folder = mkdtempSync(join(tmpdir(), "report-"));

async function written(name: string, ...reports: StackReport[]): Promise<string> {
  const file = join(folder, name);
  writeFileSync(file, await render(reports, new Date("2026-01-31T12:00:00Z")));
  return file;
}

/** All rectangles that must not overlap: boxes, labels, and titles of frames. */
const RECTANGLES = `[...document.querySelectorAll(".architecture .box > rect, .architecture .flow, .architecture .frame-title")]
  .map((one) => { const { x, y, width, height } = one.getBoundingClientRect();
    const name = one.closest("[aria-label]")?.getAttribute("aria-label") ?? "";
    return { name: one.textContent || name, stage: [...document.querySelectorAll("svg.architecture")].indexOf(one.closest("svg.architecture")), x, y, width, height }; })`;

interface Rectangle {
  name: string;
  stage: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

function overlapping(rectangles: Rectangle[]): string[] {
  // A pixel is lost in rounding.
  const apart = (a: Rectangle, b: Rectangle) =>
    a.stage !== b.stage ||
    a.x + a.width <= b.x + 1 ||
    b.x + b.width <= a.x + 1 ||
    a.y + a.height <= b.y + 1 ||
    b.y + b.height <= a.y + 1;
  return rectangles.flatMap((one, index) =>
    rectangles
      .slice(index + 1)
      .flatMap((other) => (apart(one, other) ? [] : [`${one.name} | ${other.name}`])),
  );
}

describe("report/page/page, in a browser", () => {
  let browser: Browser;
  let file: string;

  before(async function () {
    if (CHROMIUM === undefined) {
      console.log("    skipped: there is no Chromium in /usr/bin; install Debian's package chromium");
      this.skip();
    }
    browser = await launch();
    file = join(folder, "preview.html");
    const project = join(folder, "project");
    writeExampleProject(project);
    const result = spawnSync("npm", ["run", "--silent", "preview", "--", "--report", file], {
      cwd: project,
      encoding: "utf8",
    });
    expect(result.status, result.stderr).to.equal(0);
    expect(result.stdout).to.include(`The report is in ${file}`);
  });

  after(async () => {
    // Undefined where the suite was skipped.
    await (browser as Browser | undefined)?.close();
    rmSync(folder, { recursive: true });
  });

  /** Opens a page; what it complains of or asks the network for is kept. */
  async function open(path: string, options: Parameters<Browser["newPage"]>[0] = {}) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, ...options });
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => {
      complaints.push(dialog.message());
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(pathToFileURL(path).href)) complaints.push(request.url());
    });
    await page.goto(pathToFileURL(path).href);
    return { page, complaints };
  }

  it("opens without an error and without asking the network for anything", async () => {
    const { complaints } = await open(file);
    expect(complaints).to.deep.equal([]);
  });

  it("shows every part of both stacks, labelled", async () => {
    const { page } = await open(file);
    for (const [index, stack] of ["staging", "prod"].entries()) {
      const section = page.locator(`#stack-${index}`);
      expect(await section.locator("h2").textContent()).to.equal(`iaso/${stack}`);
      const names = ["Web", "Worker", "Database", "Tasks", "Static bucket", "Media bucket", "Enketo", "DNS"];
      names.push("Certificates", "Alarms", "CI access", "GDAL image", "Mailgun", "Sentry", "Secrets", "NAT");
      for (const name of names) {
        const box = section.locator(".box", { has: page.getByText(name, { exact: true }) });
        expect(await box.count(), name).to.equal(1);
        expect(await box.isVisible(), name).to.equal(true);
        expect(await box.getAttribute("aria-label")).to.match(new RegExp(`^${name}, `));
      }
    }
  });

  it("draws web and worker side by side", async () => {
    const { page } = await open(file);
    const [web, worker] = await Promise.all(
      ["Web", "Worker"].map((name) =>
        page.locator("#stack-1 .box", { has: page.getByText(name, { exact: true }) }).boundingBox(),
      ),
    );
    expect(web?.y).to.be.closeTo(worker!.y, 1);
    expect(Math.abs(web!.x - worker!.x)).to.be.within(worker!.width, worker!.width * 2);
  });

  for (const width of [1440, 400]) {
    it(`overlaps no box and no label, and cuts no text off, at a width of ${width}`, async () => {
      const { page } = await open(file, { viewport: { width, height: 900 } });
      const rectangles = await page.evaluate<Rectangle[]>(RECTANGLES);
      expect(rectangles.length).to.be.greaterThan(100);
      expect(overlapping(rectangles)).to.deep.equal([]);
      const cut = await page.evaluate<string[]>(
        `[...document.querySelectorAll(".box > svg > text")].filter((text) => text.textContent.endsWith("…") ||
          text.getBoundingClientRect().right > text.parentNode.parentNode.getBoundingClientRect().right).map((text) => text.textContent)`,
      );
      expect(cut).to.deep.equal([]);
      const wider = await page.evaluate<boolean>("document.documentElement.scrollWidth > window.innerWidth");
      expect(wider, "the page itself scrolls sideways").to.equal(false);
    });
  }

  it("opens the details of a box by a click, and closes them with Escape", async () => {
    const { page } = await open(file);
    await page.locator("#stack-1 .box", { hasText: "db.m7g.large" }).click();
    const dialog = page.locator("dialog");
    expect(await dialog.locator("h2").textContent()).to.equal("Database");
    const text = await dialog.innerText();
    for (const part of ["Flows", "SQL", "Costs in a month", "aws:rds:Instance", "iaso-prod"])
      expect(text).to.include(part);
    await page.keyboard.press("Escape");
    expect(await dialog.isVisible()).to.equal(false);
  });

  it("reaches every box and frame by keyboard, opens it, and comes back to it", async () => {
    const { page } = await open(file);
    await page.locator("#stack-0 button[data-zoom=in]").focus();
    const parts = await page.locator("#stack-0 [role=button]").count();
    const reached = new Set<string | null>();
    for (let press = 0; press < parts + 2; press++) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate<string | null>("document.activeElement.getAttribute('aria-label')"));
    }
    const labels = await page.evaluate<string[]>(
      `[...document.querySelectorAll("#stack-0 [role=button]")].map((one) => one.getAttribute("aria-label"))`,
    );
    expect([...reached]).to.include.members(labels);

    const worker = page.locator("#stack-0 .box", { has: page.getByText("Worker", { exact: true }) });
    await worker.focus();
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.textContent")).to.equal("Worker");
    await page.keyboard.press("Escape");
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).to.match(/^Worker, /);
  });

  it("opens the resource that a policy result or the list names", async () => {
    const { page } = await open(file);
    await page.locator("#stack-0 summary", { hasText: /All \d+ resources/ }).click();
    await page.locator("#stack-0 a[data-urn$='BucketPolicy::media']").click();
    expect(await page.locator("dialog h2").textContent()).to.equal("Media bucket");
    const opened = await page.locator("dialog details[open] summary").innerText();
    expect(opened).to.include("media").and.include("aws:s3:BucketPolicy");
  });

  it("zooms in, out and back", async () => {
    const { page } = await open(file);
    const width = async () => (await page.locator("#stack-0 svg.architecture").boundingBox())!.width;
    const fitting = await width();
    await page.locator("#stack-0 button[data-zoom=in]").click();
    expect(await width()).to.be.closeTo(fitting * 1.25, 1);
    await page.locator("#stack-0 button[data-zoom=out]").click();
    await page.locator("#stack-0 button[data-zoom=out]").click();
    expect(await width()).to.be.closeTo(fitting / 1.25, 1);
    await page.locator("#stack-0 button[data-zoom=fit]").click();
    expect(await width()).to.be.closeTo(fitting, 1);
  });

  it("follows the system's theme, and its own switch", async () => {
    const { page } = await open(file, { colorScheme: "dark" });
    const ground = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const dark = await ground();
    await page.locator("button[data-theme-switch]").click();
    expect(await page.locator("button[data-theme-switch]").textContent()).to.equal("Theme: light");
    expect(await ground()).to.not.equal(dark);
    await page.locator("button[data-theme-switch]").click();
    expect(await ground()).to.equal(dark);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    it(`is without a fault that axe finds, in ${colorScheme}, with everything open @proof`, async () => {
      const { page } = await open(file, { colorScheme, bypassCSP: true });
      await page.evaluate(axe);
      // Rows are like one another; axe takes long for each.
      await page.evaluate(
        "for (const row of document.querySelectorAll('tbody tr:nth-child(n+5)')) row.remove()",
      );
      await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
      expect(await faults(page)).to.deep.equal([]);
      await page.locator("#stack-1 .box").nth(9).click();
      expect(await faults(page, "dialog")).to.deep.equal([]);
    });
  }

  async function faults(page: Page, part = "html"): Promise<string[]> {
    const { violations } = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(part)})`);
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join("\n")}`,
    );
  }

  it("shows settings with their source, costs and outputs", async () => {
    const { page } = await open(file);
    const text = await page.locator("#stack-1").innerText();
    expect(text).to.match(/webHost\s+iaso\.example\.org\s+Pulumi\.prod\.yaml/);
    expect(text).to.match(/About \$[\d,]+ for everything that runs all the time in eu-central-1/);
    expect(text).to.match(/webEnvironment\s+iaso-prod/);
    await page.locator("#stack-1 summary", { hasText: "at their default" }).click();
    expect(await page.locator("#stack-1").innerText()).to.match(/platform\s+python\s+Pulumi\.yaml/);
  });

  describe("with a comparison", () => {
    it("marks changes in the drawing and in the list, risky ones first", async () => {
      const after = await previewOf("prod");
      const edited = (resource: PreviewResource): PreviewResource[] => {
        const { type, name, inputs } = resource;
        if (name === "enketo-cache") return [];
        if (type === "aws:rds/instance:Instance")
          return [{ ...resource, inputs: { ...inputs, storageEncrypted: false } }];
        if (type === "aws:s3/bucketVersioning:BucketVersioning" && name === "media")
          return [{ ...resource, inputs: { ...inputs, extra: "before" } }];
        return [resource];
      };
      const tasks = after.resources.find(
        ({ type, name }) => type === "aws:sqs/queue:Queue" && name === "tasks",
      )!;
      const gone = { ...tasks, urn: `${tasks.urn}-gone`, name: "reports", outputs: {} };
      const resources = [...after.resources.flatMap(edited), gone];
      const baseline = {
        source: "preview" as const,
        project: "iaso",
        stack: "prod",
        resources,
        warnings: [],
      };
      const comparison = compare(after, baseline, { file: "main.json" });
      const { page, complaints } = await open(await written("against.html", reportOn(after, { comparison })));
      expect(complaints).to.deep.equal([]);
      const marks = await page.evaluate<string[]>(
        `[...document.querySelectorAll(".box .mark")].map((mark) =>
          mark.closest(".box").querySelector(".title").textContent.trim() + " " + mark.textContent.trim())`,
      );
      expect(marks).to.have.members([
        "Enketo cache + added",
        "Database ± replaced",
        "Media bucket ~ changed",
        "Reports - deleted",
        // Its parameter group comes with the cache.
        "Enketo ~ changed",
        // They are told the new database's address.
        "Web ~ changed",
        "Worker ~ changed",
      ]);
      const rows = await page
        .locator("table", { hasText: "Changes, the riskiest first" })
        .locator("tbody > tr")
        .allInnerTexts();
      expect(rows[0]).to.match(/^replaced\s+database/);
      expect(rows.join("\n")).to.include("storageEncrypted: false → true");
      expect(overlapping(await page.evaluate<Rectangle[]>(RECTANGLES))).to.deep.equal([]);
      await page.locator(".box", { has: page.getByText("Reports", { exact: true }) }).click();
      expect(await page.locator("dialog").innerText()).to.include("deleted");
    });
  });

  describe("with hostile names and messages", () => {
    const HOSTILE = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&\`\${7*7} ${"long ".repeat(60)}`;

    it("shows them as text", async () => {
      const before = await previewOf("staging");
      const document: PreviewDocument = {
        ...before,
        project: HOSTILE,
        outputs: { [HOSTILE]: HOSTILE },
        resources: before.resources.map((resource) => ({
          ...resource,
          name: `${HOSTILE}${resource.name}`,
          urn: `${resource.urn}${HOSTILE}`,
          parent: resource.parent === "" ? "" : `${resource.parent}${HOSTILE}`,
          inputs: { ...resource.inputs, [HOSTILE]: HOSTILE },
        })),
        policies: {
          pack: HOSTILE,
          version: HOSTILE,
          rules: 1,
          violations: [
            {
              policy: HOSTILE,
              level: "mandatory",
              urn: `${before.resources[5]!.urn}${HOSTILE}`,
              message: HOSTILE,
            },
          ],
        },
      };
      const settings = [
        { key: HOSTILE, value: HOSTILE, source: HOSTILE, isDefault: false, description: HOSTILE },
      ];
      const report = reportOn(document, { settings });
      const { page, complaints } = await open(await written("hostile.html", report));
      expect(complaints).to.deep.equal([]);
      expect(await page.locator("img").count()).to.equal(0);
      expect(await page.locator("script").count()).to.equal(2);
      expect(await page.title()).to.include("<img src=x onerror=alert(2)>");
      expect(overlapping(await page.evaluate<Rectangle[]>(RECTANGLES))).to.deep.equal([]);
      await page.locator(".violations a[data-urn]").click();
      expect(await page.locator("dialog").innerText()).to.include(HOSTILE.slice(0, 40));
      expect(await page.locator("dialog img").count()).to.equal(0);
      expect(complaints).to.deep.equal([]);
    });
  });

  describe("with 1,000 resources", () => {
    it("opens, overlaps nothing, and shows each", async () => {
      const report = reportOn(withResources(await previewOf("prod"), 1000));
      const { page, complaints } = await open(await written("many.html", report));
      expect(complaints).to.deep.equal([]);
      expect(
        await page.locator("table", { hasText: "Resources" }).last().locator("tbody > tr").count(),
      ).to.equal(1000);
      const boxes = (await page.evaluate<Rectangle[]>(RECTANGLES)).filter(({ name }) => name !== "");
      expect(boxes.length).to.be.greaterThan(700);
      expect(overlapping(boxes)).to.deep.equal([]);
    });
  });
});
