// Shows details, zoom and theme in the report page. Texts are inserted as text, never as markup.
import type { PageData, PageResource } from "../page/pageData";

/** Zoom by one press of a button. */
const STEP = 1.25;

function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function tag(kind: string, text = kind): HTMLElement {
  const made = element("span", text);
  made.className = `tag ${kind}`;
  return made;
}

const asText = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value, null, 2);

function table(rows: [string, unknown][], caption: string): HTMLTableElement {
  const body = element("tbody");
  for (const [name, value] of rows) {
    const head = element("th", name);
    head.scope = "row";
    body.append(element("tr", head, element("td", element("code", asText(value)))));
  }
  return element("table", element("caption", caption), body);
}

function resourceDetails(resource: PageResource, open: boolean): HTMLElement {
  const summary = element(
    "summary",
    element("strong", resource.name),
    " ",
    element("code", resource.type),
    " ",
  );
  if (resource.change !== undefined) summary.append(tag(resource.change.kind), " ");
  for (const { level } of resource.violations) summary.append(tag(level), " ");
  const made = element("details", summary);
  made.open = open;
  if (resource.notes.length > 0) made.append(element("p", resource.notes.join(", ")));
  for (const { policy, message } of resource.violations) {
    made.append(element("p", element("strong", policy), " ", message));
  }
  for (const risk of resource.change?.risks ?? []) made.append(element("p", tag("risk"), " ", risk));
  if (resource.change !== undefined && resource.change.properties.length > 0) {
    made.append(table(resource.change.properties, "Changes"));
  }
  const inputs = Object.entries(resource.inputs);
  if (inputs.length > 0) made.append(table(inputs, "Inputs"));
  const outputs = Object.entries(resource.outputs).filter(([name]) => !(name in resource.inputs));
  if (outputs.length > 0) made.append(table(outputs, "Outputs"));
  made.append(element("p", element("code", resource.urn)));
  return made;
}

const dialog = document.querySelector("dialog") as HTMLDialogElement;

function openDetails(data: PageData, id: string, urn?: string): void {
  const part = data.parts[id];
  if (part === undefined) return;
  const close = element("button", "Close");
  close.className = "close";
  close.addEventListener("click", () => {
    dialog.close();
  });
  const title = element("h2", part.title);
  title.id = "details-title";
  title.tabIndex = -1;
  const content: Node[] = [close, title, element("p", part.subtitle)];
  if (part.flows.length > 0) {
    const list = element("ul");
    for (const flow of part.flows) list.append(element("li", flow));
    content.push(element("h3", "Flows"), list);
  }
  if (part.costs.length > 0) {
    const list = element("ul");
    for (const cost of part.costs) list.append(element("li", cost));
    content.push(element("h3", "Costs in a month"), list);
  }
  const count = part.urns.length;
  if (count > 0) content.push(element("h3", `${count} ${count === 1 ? "resource" : "resources"}`));
  for (const one of part.urns) {
    const resource = data.resources[one];
    if (resource !== undefined) content.push(resourceDetails(resource, one === (urn ?? part.urns[0])));
  }
  dialog.replaceChildren(...content);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  title.focus();
  dialog.querySelector("details[open]")?.scrollIntoView({ block: "nearest" });
}

function setUpStack(section: HTMLElement): void {
  const script = section.querySelector('script[type="application/json"]');
  const data = JSON.parse(script?.textContent ?? "{}") as PageData;
  const canvas = section.querySelector(".canvas") as HTMLElement;
  const drawing = canvas.querySelector("svg") as SVGSVGElement;

  for (const part of drawing.querySelectorAll<SVGElement>("[data-id]")) {
    const open = () => {
      openDetails(data, part.dataset.id ?? "");
    };
    part.addEventListener("click", open);
    part.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      open();
    });
  }
  section.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-urn]");
    const urn = link?.dataset.urn;
    const owner = urn === undefined ? undefined : data.resources[urn]?.part;
    if (owner === undefined) return;
    event.preventDefault();
    openDetails(data, owner, urn);
  });

  const natural = drawing.viewBox.baseVal.width;
  let scale = 1;
  const zoom = (to: number) => {
    const [x, y] = [canvas.scrollLeft + canvas.clientWidth / 2, canvas.scrollTop + canvas.clientHeight / 2];
    const factor = Math.min(4, Math.max(0.1, to)) / scale;
    scale *= factor;
    drawing.style.width = `${natural * scale}px`;
    canvas.scrollTo(x * factor - canvas.clientWidth / 2, y * factor - canvas.clientHeight / 2);
  };
  const fit = () => {
    zoom(Math.min(1.2, canvas.clientWidth / natural));
  };
  const tools: Record<string, () => void> = {
    in: () => {
      zoom(scale * STEP);
    },
    out: () => {
      zoom(scale / STEP);
    },
    fit,
  };
  for (const button of section.querySelectorAll<HTMLButtonElement>("button[data-zoom]")) {
    button.addEventListener("click", () => tools[button.dataset.zoom ?? ""]?.());
  }
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(scale * (event.deltaY < 0 ? STEP : 1 / STEP));
    },
    { passive: false },
  );
  let from: { x: number; y: number } | undefined;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) from = { x: event.clientX, y: event.clientY };
  });
  window.addEventListener("pointermove", (event) => {
    if (from === undefined) return;
    canvas.classList.add("dragged");
    canvas.scrollBy(from.x - event.clientX, from.y - event.clientY);
    from = { x: event.clientX, y: event.clientY };
  });
  window.addEventListener("pointerup", () => {
    from = undefined;
    canvas.classList.remove("dragged");
  });
  fit();
}

for (const section of document.querySelectorAll<HTMLElement>("section.stack")) setUpStack(section);

dialog.addEventListener("click", (event) => {
  // A click beside the panel is on the backdrop.
  if (event.target === dialog && event.clientX < dialog.getBoundingClientRect().left) dialog.close();
});

const themes = ["", "light", "dark"];
const theme = document.querySelector<HTMLButtonElement>("button[data-theme-switch]");
theme?.addEventListener("click", () => {
  const root = document.documentElement;
  const next = themes[(themes.indexOf(root.dataset.theme ?? "") + 1) % themes.length] ?? "";
  if (next === "") delete root.dataset.theme;
  else root.dataset.theme = next;
  theme.textContent = `Theme: ${next === "" ? "system" : next}`;
});
