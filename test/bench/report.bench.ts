import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser } from "playwright-core";
import { PreviewDocument } from "../../graph/document";
import { page } from "../../report/page/page";
import { CHROMIUM, launch } from "../report/page/browser";
import { reportOn, withResources } from "../report/reports";
import { previewOf } from "../support";
import { Bench } from "./bench";

const MANY = 1000;

/** Seconds from navigation until the browser has laid out the page and run its script, the best of several. */
async function secondsToOpen(browser: Browser, document: PreviewDocument, file: string): Promise<number> {
  writeFileSync(file, await page([reportOn(document)], new Date()));
  const tries: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    const tab = await browser.newPage();
    const start = performance.now();
    await tab.goto(pathToFileURL(file).href);
    // Asking for a place makes the browser lay out all there is.
    await tab.evaluate("document.querySelector('.architecture').getBoundingClientRect().width");
    tries.push((performance.now() - start) / 1000);
    await tab.close();
  }
  return Math.min(...tries);
}

export const bench: Bench = {
  name: "report",
  unavailable: () => (CHROMIUM === undefined ? "there is no Chromium in /usr/bin" : undefined),
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "report-bench-"));
    const browser = await launch();
    try {
      const prod = await previewOf("prod");
      const file = join(folder, "preview.html");
      const small = await secondsToOpen(browser, prod, file);
      const large = await secondsToOpen(browser, withResources(prod, MANY), file);
      const detail = `${prod.resources.length} resources: ${small.toFixed(2)} s`;
      return [
        { name: `page of ${MANY} resources opens in`, value: large, limit: 2, unit: "s", detail },
        {
          name: `page of ${MANY} resources / page of prod, by resource`,
          value: large / MANY / (small / prod.resources.length),
          unit: "x",
        },
      ];
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true });
    }
  },
};
