// How does a chart get on the page? <e-chart data-chart='{"option": ...}' data-members="/reports/x/members/">
//
// Colours ("$c0") are the theme's CSS variables, formats ("@axis:money") functions of drawing.js, so that a change
// of theme redraws without asking the server. Drawn in a shadow root: morphing the page leaves it alone.

import { resolved } from "./drawing.js";
import { shown } from "./formats.js";
import { openPanel } from "./panel.js";

const STYLE = new CSSStyleSheet();
STYLE.replaceSync(`
  :host { display: block; }
  :host([data-fill]) { height: 100%; overflow: auto; }
  :host([data-fill="all"]) { overflow: hidden; }
  .canvas { width: 100%; }
  .tip {
    background: var(--surface-raised) !important; color: var(--text) !important; border: 1px solid var(--line-strong) !important;
    border-radius: 10px !important; padding: 10px 12px !important; box-shadow: var(--shadow) !important;
    font: 12.5px/1.5 var(--font) !important; max-width: 340px; white-space: normal !important;
  }
  .tip:empty { display: none !important; }
  .tip b { display: block; font-weight: 600; margin-bottom: 4px; }
  .tip div { display: flex; justify-content: space-between; gap: 20px; }
  .tip span { color: var(--muted); }
  .tip output { font-variant-numeric: tabular-nums; font-weight: 550; white-space: nowrap; }
  .tip em { display: block; margin-top: 6px; color: var(--muted); font-style: normal; }
  .heads { display: flex; justify-content: flex-end; align-items: end; color: var(--muted); font: 11.5px/1.25 var(--font); padding-right: 4px; }
  .heads span { text-align: right; hyphens: auto; overflow-wrap: anywhere; padding-left: 8px; box-sizing: border-box; }
  .caption { color: var(--muted); font: 12px/1.4 var(--font); margin-bottom: 2px; }
`);
// In a tile bars stand closer before they scroll.
const SQUEEZED = 0.76;
const SIDE_WIDTHS = [70, 72, 88, 76];

const place = () => ({ language: document.documentElement.lang, currency: document.documentElement.dataset.currency });

function tip(params) {
  const items = (Array.isArray(params) ? params : [params]).filter((item) => item.data?.tip);
  if (!items.length) return "";
  const box = document.createElement("section");
  const { title, rows } = items[0].data.tip;
  box.append(Object.assign(document.createElement("b"), { textContent: title }));
  for (const [name, value, unit] of rows) {
    const line = document.createElement("div");
    line.append(
      Object.assign(document.createElement("span"), { textContent: name }),
      Object.assign(document.createElement("output"), { textContent: shown(value, unit, place()) }),
    );
    box.append(line);
  }
  return box;
}

/** Colours as the theme has them now: a probe resolves light-dark(), which a bare variable does not. */
function paletteOf(root) {
  const probe = document.createElement("i");
  probe.hidden = true;
  root.append(probe);
  const known = new Map([["font", getComputedStyle(probe).getPropertyValue("--font").trim()]]);
  return {
    colour(name) {
      if (!known.has(name)) {
        probe.style.color = `var(--${name})`;
        known.set(name, getComputedStyle(probe).color);
      }
      return known.get(name);
    },
    close: () => probe.remove(),
  };
}

class Chart extends HTMLElement {
  static observedAttributes = ["data-chart", "data-ready"];
  #echart = null;
  #isReady = false;
  #root = null;
  #resized = new ResizeObserver(() => this.#echart?.resize());
  #redraw = () => this.draw();

  connectedCallback() {
    this.#root ??= this.attachShadow({ mode: "open" });
    this.#root.adoptedStyleSheets = [STYLE];
    document.addEventListener("rakurs:theme", this.#redraw);
    this.draw();
  }

  disconnectedCallback() {
    document.removeEventListener("rakurs:theme", this.#redraw);
    this.#resized.disconnect();
    this.#echart?.dispose();
    this.#echart = null;
  }

  attributeChangedCallback(name, before, after) {
    // The same chart came back from the server, which knows nothing of its being drawn.
    if (name === "data-ready") this.toggleAttribute("data-ready", this.#isReady);
    else if (this.isConnected && this.#root && before !== after) this.draw();
  }

  draw() {
    const chart = JSON.parse(this.dataset.chart);
    this.#isReady = false;
    delete this.dataset.ready;
    this.#resized.disconnect();
    this.#echart?.dispose();
    const canvas = document.createElement("div");
    canvas.className = "canvas";
    // In a tile the chart takes the height there is; bars that need more grow out of it and scroll.
    if (this.dataset.fill === "all") canvas.style.height = "100%";
    else if (this.dataset.fill) canvas.style.height = `max(100%, ${Math.round(chart.height * SQUEEZED)}px)`;
    else canvas.style.height = `${chart.height}px`;
    this.#root.replaceChildren(...this.#headings(chart), canvas);
    this.#echart = globalThis.echarts.init(canvas, null, { renderer: "svg" });
    this.#echart.on("finished", () => {
      this.#isReady = true;
      this.setAttribute("data-ready", "");
    });
    this.#echart.on("click", (event) => this.#drill(event));
    const palette = paletteOf(this.#root);
    const option = resolved(chart.option, { colour: palette.colour, chart, place: place(), tip });
    palette.close();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) (option.baseOption ?? option).animation = false;
    this.#echart.setOption(option);
    this.#resized.observe(canvas);
  }

  #headings({ heads, caption }) {
    const parts = [];
    if (caption) parts.push(Object.assign(document.createElement("div"), { className: "caption", textContent: caption }));
    if (heads) {
      const row = Object.assign(document.createElement("div"), { className: "heads" });
      const count = this.clientWidth <= 680 ? 2 : heads.length;
      heads.slice(0, count).forEach((text, index) => {
        const head = Object.assign(document.createElement("span"), { textContent: text, title: text });
        head.style.width = `${SIDE_WIDTHS[index]}px`;
        row.append(head);
      });
      parts.push(row);
    }
    return parts;
  }

  #drill(event) {
    const cell = event.data?.cell;
    if (!cell) return;
    const { clientX, clientY } = event.event?.event ?? {};
    const detail = { cell, words: event.data.tip?.title ?? "", x: clientX, y: clientY };
    // Whoever holds the chart may have something better to do with a click than to open the rows.
    const isUntaken = this.dispatchEvent(new CustomEvent("rakurs:cell", { bubbles: true, cancelable: true, detail }));
    if (isUntaken && this.dataset.members) this.openRows(cell);
  }

  /** The rows behind one cell, in the side panel. */
  openRows(cell) {
    const url = new URL(this.dataset.members, location.href);
    for (const [name, value] of Object.entries(cell)) {
      url.searchParams.set(`cell.${name}`, value ?? "");
    }
    openPanel(url);
  }
}

customElements.define("e-chart", Chart);
