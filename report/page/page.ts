import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { isRefused, nameOf, PreviewDocument, shortType } from "../../graph/document";
import { allFrames, Architecture, architectureOf } from "../architecture";
import { Change } from "../diff/changes";
import { PAGE_COLOURS } from "../drawing/colours";
import { describeFlows, draw } from "../drawing/drawing";
import { html, Html, raw } from "../html";
import { boxChangesOf } from "../drawing/boxChanges";
import { PageData, PagePart } from "./pageData";
import { dollars, moreDollars, RuleDescription, SettingDescription, StackReport } from "../report";
import { totalsOf } from "../totals";
import { changeText, count, notesOf, unpricedItems, valueText } from "../wording";

/**
 * A self-contained page that loads nothing: for each stack a drawing, changes, policy results, costs, settings,
 * outputs and resources. A content security policy with the script's hash lets no other script run.
 *
 * @see https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CSP
 */
export async function page(reports: StackReport[], made: Date): Promise<string> {
  const style = PAGE_COLOURS + read("../drawing/drawing.css") + read("page.css");
  const script = transformSync(read("../client/page.ts"), {
    loader: "ts",
    format: "iife",
    target: "es2022",
  }).code;
  const policy = `default-src 'none'; style-src '${hash(style)}'; script-src '${hash(script)}'`;
  const title = `${[...new Set(reports.map(({ document }) => document.project))].join(", ")}: preview`;
  const sections: Html[] = [];
  for (const [index, report] of reports.entries()) sections.push(await section(report, index));
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<nav aria-label="Stacks">${reports.map(({ document }, index) => html`<a href="#stack-${index}">${document.stack}</a>`)}</nav>
<button type="button" data-theme-switch>Theme: system</button>
</header>
<main>
<p class="made">Made ${made.toISOString().slice(0, 16).replace("T", " ")} UTC, on a simulated AWS: nothing was created.</p>
${sections}
</main>
<dialog aria-labelledby="details-title"></dialog>
<script>${raw(script)}</script>
</body>
</html>
`);
}

const read = (file: string) => readFileSync(join(__dirname, file), "utf8");

const hash = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

async function section(report: StackReport, index: number): Promise<Html> {
  const { document, comparison } = report;
  const changes = comparison?.changes ?? [];
  const drawn = { ...document, resources: [...document.resources, ...(comparison?.deleted ?? [])] };
  const architecture = architectureOf(drawn);
  const drawing = await draw(architecture, boxChangesOf(architecture, changes), true);
  const data = dataOf(report, drawn, architecture, changes);
  const link = (urn: string) => html`<a href="#${anchor(index, urn)}" data-urn="${urn}">${nameOf(urn)}</a>`;
  return html`<section class="stack" id="stack-${index}" aria-labelledby="heading-${index}">
<h2 id="heading-${index}">${document.project}/${document.stack}</h2>
${cards(report)}
<div class="stage">
<div class="tools"><button type="button" data-zoom="out" aria-label="Smaller">−</button><button type="button" data-zoom="fit">Fit</button><button type="button" data-zoom="in" aria-label="Larger">+</button></div>
<div class="canvas" tabindex="0" role="region" aria-label="Drawing of ${document.stack}, can be scrolled">${drawing}</div>
</div>
<details><summary>Drawing as text</summary><ul>${describeFlows(architecture).map((flow) => html`<li>${flow}</li>`)}</ul></details>
${comparison === undefined ? "" : changeSection(comparison.file, changes, comparison.warnings, link)}
${policySection(report, link)}
${costSection(report)}
${settingSection(report)}
${outputSection(document)}
${resourceSection(drawn, data, index)}
<script type="application/json">${raw(JSON.stringify(data).replaceAll("<", "\\u003c"))}</script>
</section>
`;
}

const anchor = (index: number, urn: string) =>
  `r${index}-${createHash("sha256").update(urn).digest("hex").slice(0, 12)}`;

/** A table that scrolls on narrow pages. */
function table(caption: string, heads: string[], rows: Html[], kind = ""): Html {
  return html`<div class="scroll ${kind}" tabindex="0" role="group" aria-label="${caption}"><table><caption class="visually-hidden">${caption}</caption><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

const tag = (kind: string, text = kind) => html`<span class="tag ${kind}">${text}</span>`;

function cards({ document, costs, comparison }: StackReport): Html {
  const { resources, policies } = document;
  const mandatory = policies.violations.filter(({ level }) => level === "mandatory").length;
  const advisory = policies.violations.length - mandatory;
  const verdict = isRefused(document)
    ? html`<div class="bad"><dt>Policies</dt><dd>refused<small>${count(mandatory, "mandatory violation")}, ${advisory} advisory</small></dd></div>`
    : html`<div class="good"><dt>Policies</dt><dd>${policies.rules === 0 ? "none" : "accepted"}<small>${count(policies.rules, "rule")}, ${advisory} advisory</small></dd></div>`;
  return html`<dl class="cards">
<div><dt>Resources</dt><dd>${resources.length}<small>${resources.filter(({ custom }) => custom).length} in AWS, ${resources.filter(({ custom }) => !custom).length} components</small></dd></div>
${verdict}
<div><dt>Monthly cost</dt><dd>${costs.parts.length === 0 ? "unknown" : `about ${dollars(costs.monthly)}`}<small>${comparison === undefined ? "list prices, without usage" : `${moreDollars(comparison.costs.monthly)} by this change`}${costs.unpriced === 0 ? "" : `; without ${unpricedItems(costs.unpriced)}`}</small></dd></div>
${comparison === undefined ? "" : changeCard(comparison.changes)}
</dl>`;
}

function changeCard(changes: Change[]): Html {
  const { added, changed, replaced, deleted, risky } = totalsOf(changes);
  return html`<div class="${risky > 0 ? "bad" : "good"}"><dt>Changes</dt><dd>${changes.length}<small>${added} added, ${changed} changed, ${replaced} replaced, ${deleted} deleted; ${risky} risky</small></dd></div>`;
}

function changeSection(
  file: string,
  changes: Change[],
  warnings: string[],
  link: (urn: string) => Html,
): Html {
  const rows = changes.map(
    ({ urn, type, kind, properties, risks, cause }) =>
      html`<tr><td>${tag(kind)}</td><td class="name">${link(urn)}<br><code>${shortType(type)}</code></td><td>${cause === undefined ? "" : html`<p>${cause}</p>`}${risks.map((risk) => html`<p>${tag("risk", "risk")} ${risk}</p>`)}${
        properties.length === 0
          ? ""
          : html`<details${properties.length <= 6 ? raw(" open") : ""}><summary>${count(properties.length, "property", "properties")}</summary><ul class="plain">${properties.map(
              (change) =>
                html`<li><code>${change.path}</code>: <code>${changeText(change)}</code>${change.replaces ? html` ${tag("replaced", "replaces")}` : ""}</li>`,
            )}</ul></details>`
      }</td></tr>`,
  );
  return html`<h3>Changes against ${file}</h3>
${warnings.map((warning) => html`<p>${warning}</p>`)}
${rows.length === 0 ? html`<p>No changes.</p>` : table("Changes, the riskiest first", ["change", "resource", "details"], rows)}`;
}

function policySection(
  { document, rules, warnings, comparison }: StackReport,
  link: (urn: string) => Html,
): Html {
  const { pack, version, violations, rules: number } = document.policies;
  if (number === 0) return html`<h3>Policies</h3><p>There is no policy pack.</p>`;
  const violated = violations.map((violation) => {
    const { policy, level, urn, message } = violation;
    const isNew = comparison?.newViolations.includes(violation) === true;
    return html`<tr><td>${tag(level)}${isNew ? html` ${tag("added", "new")}` : ""}</td><td><strong>${policy}</strong></td><td>${link(urn)}</td><td>${message}</td></tr>`;
  });
  const relaxed = rules.filter(({ reason, exceptions }) => reason !== undefined || exceptions.length > 0);
  return html`<h3>Policies</h3>
<p>${pack} ${version}: ${violations.length === 0 ? `all ${number} rules pass.` : `${count(violations.length, "violation")} of ${number} rules.`}</p>
${warnings.map((warning) => html`<p>${warning}</p>`)}
${violated.length === 0 ? "" : table("Violations", ["level", "rule", "resource", "problem, fix and reason"], violated, "violations")}
${relaxed.length === 0 ? "" : html`<h4>Relaxed for this stack</h4>${table("Relaxed rules", ["rule", "relaxation", "reason"], relaxed.flatMap(relaxations))}`}
<details><summary>All ${number} rules</summary>${table(
    "All rules",
    ["rule", "requirement", "reason", "level", "result"],
    rules.map((rule) => ruleRow(rule, document)),
  )}</details>`;
}

function relaxations({ name, level, reason, exceptions }: RuleDescription): Html[] {
  return [
    ...(reason === undefined ? [] : [html`<tr><td>${name}</td><td>${level}</td><td>${reason}</td></tr>`]),
    ...exceptions.map(
      (one) =>
        html`<tr><td>${name}</td><td>${one.resource} is exempt until ${one.expires}</td><td>${one.reason}</td></tr>`,
    ),
  ];
}

function ruleRow(
  { name, description, why, level, reference }: RuleDescription,
  { policies }: PreviewDocument,
): Html {
  const many = policies.violations.filter(({ policy }) => policy === name).length;
  const result =
    level === "disabled"
      ? tag("off")
      : many > 0
        ? tag(level, count(many, "violation"))
        : tag("holds", "passes");
  return html`<tr><td><code>${name}</code>${reference === undefined ? "" : html`<br>${reference}`}</td><td>${description}</td><td>${why}</td><td>${level}</td><td>${result}</td></tr>`;
}

function costSection({ costs, comparison }: StackReport): Html {
  const rows = costs.parts.flatMap(({ urn, name, monthly, lines }) => {
    const change = comparison?.costs.parts.find((part) => part.urn === urn)?.monthly ?? 0;
    return [
      html`<tr><th scope="row">${name}</th><td></td><td class="number"><strong>${dollars(monthly)}</strong>${Math.round(change) === 0 ? "" : ` (${moreDollars(change)})`}</td></tr>`,
      ...lines.map(
        (line) =>
          html`<tr><td></td><td>${line.what}</td><td class="number">${dollars(line.monthly)}</td></tr>`,
      ),
    ];
  });
  return html`<h3>Monthly costs</h3>
<p>${costs.parts.length === 0 ? "" : html`About <strong>${dollars(costs.monthly)}</strong> for everything that runs all the time${costs.region === "" ? "" : ` in ${costs.region}`}. `}Prices: ${costs.source}.</p>
${(comparison?.costs.notCounted ?? []).map((one) => html`<p>Not in the difference, ${one}</p>`)}
${rows.length === 0 ? "" : table("Costs by part", ["part", "item", "US dollars"], rows, "costs")}
<details><summary>Not included</summary><ul>${[...costs.notCounted, ...costs.leavesOut].map((one) => html`<li>${one}</li>`)}</ul></details>`;
}

function settingSection({ settings, document }: StackReport): Html {
  const row = ({ key, value, source, description }: SettingDescription) =>
    html`<tr><td class="key"><code>${key}</code></td><td><code>${value}</code></td><td class="key">${source}</td><td>${description}</td></tr>`;
  const own = settings.filter(({ isDefault }) => !isDefault);
  const defaults = settings.filter(({ isDefault }) => isDefault);
  const heads = ["setting", "value", "from", "description"];
  return html`<h3>Settings in force</h3>${own.length === 0 ? "" : table(`Settings of ${document.stack}`, heads, own.map(row))}
${defaults.length === 0 ? "" : html`<details><summary>${count(defaults.length, "setting")} at their default</summary>${table("Settings at their defaults", heads, defaults.map(row))}</details>`}`;
}

function outputSection({ outputs }: PreviewDocument): Html {
  const rows = Object.entries(outputs).map(
    ([name, value]) => html`<tr><td>${name}</td><td><code>${valueText(value)}</code></td></tr>`,
  );
  return html`<h3>Outputs</h3>${rows.length === 0 ? html`<p>None.</p>` : table("Outputs", ["output", "value"], rows)}`;
}

function resourceSection({ resources }: PreviewDocument, data: PageData, index: number): Html {
  const rows = resources.map(({ urn, type, name }) => {
    const known = data.resources[urn];
    const part = known === undefined ? "" : (data.parts[known.part]?.title ?? "");
    return html`<tr id="${anchor(index, urn)}"><td><a href="#${anchor(index, urn)}" data-urn="${urn}">${name}</a></td><td><code>${shortType(type)}</code></td><td>${part}</td><td>${known?.notes.join(", ") ?? ""}</td></tr>`;
  });
  return html`<h3>Resources</h3><details><summary>All ${rows.length} resources</summary>${table("Resources", ["name", "type", "part", "notes"], rows)}</details>`;
}

function dataOf(
  { document, costs }: StackReport,
  { resources }: PreviewDocument,
  architecture: Architecture,
  changes: Change[],
): PageData {
  const { boxes, cloud, arrows } = architecture;
  const frames = allFrames(cloud);
  const flows = describeFlows(architecture);
  const flowsOf = (id: string) =>
    flows.filter((_, index) => arrows[index]?.from === id || arrows[index]?.to === id);
  const lines = costs.parts.flatMap((part) => part.lines);
  const part = (id: string, title: string, subtitle: string, urns: string[]): PagePart => ({
    title,
    subtitle,
    flows: flowsOf(id),
    costs: lines
      .filter((line) => line.urns.some((urn) => urns.includes(urn)))
      .map(({ what, monthly }) => `${what}: ${dollars(monthly)}`),
    urns,
  });
  const parts: Record<string, PagePart> = Object.fromEntries([
    ...boxes.map(
      (box) => [box.id, part(box.id, box.title, box.subtitle, [...box.urns, ...box.accessories])] as const,
    ),
    ...frames.map((frame) => [frame.id, part(frame.id, frame.title, "", frame.accessories)] as const),
  ]);
  const owner = new Map(
    Object.entries(parts).flatMap(([id, { urns }]) => urns.map((urn) => [urn, id] as const)),
  );
  const changeOf = new Map(
    changes.map(({ urn, kind, risks, properties }) => [
      urn,
      { kind, risks, properties: properties.map((one): [string, string] => [one.path, changeText(one)]) },
    ]),
  );
  return {
    parts,
    resources: Object.fromEntries(
      resources.map((resource) => {
        const { urn, type, name, inputs, outputs } = resource;
        return [
          urn,
          {
            urn,
            type: shortType(type),
            name,
            part: owner.get(urn) ?? cloud.id,
            notes: notesOf(resource),
            inputs,
            outputs,
            violations: document.policies.violations.filter((one) => one.urn === urn),
            change: changeOf.get(urn),
          },
        ] as const;
      }),
    ),
  };
}
