// What does a dashboard do when one clicks in it? A mark of a chart offers to filter the whole dashboard by it, or to
// open its rows; after the filters change every tile asks anew for the state that stands in the address.

import { openPanel } from "./panel.js";

const bar = () => document.getElementById("board-bar");
const menu = document.getElementById("cell-menu");
const words = document.getElementById("cell-menu-words")?.dataset;
const OTHERS = "__others__";

class PlanBar extends HTMLElement {
  static observedAttributes = ["data-filled", "data-pace"];
  connectedCallback() {
    this.draw();
  }
  attributeChangedCallback() {
    if (this.isConnected) this.draw();
  }
  draw() {
    const filled = document.createElement("i");
    filled.style.width = `${this.dataset.filled}%`;
    const pace = document.createElement("b");
    pace.style.left = `${this.dataset.pace}%`;
    this.replaceChildren(filled, pace);
  }
}
customElements.define("plan-bar", PlanBar);

function refreshTiles() {
  document.body.dispatchEvent(new CustomEvent("tiles-changed"));
}

// The bar came back: it holds the state that the tiles ask for. A list one is still choosing from stays open.
let open = [];
document.addEventListener("htmx:before:swap", () => {
  open = [...(bar()?.querySelectorAll("details[open]") ?? [])].map((pill) => pill.id);
});
document.addEventListener("htmx:after:swap", (event) => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (bar()?.contains(event.target) || event.detail?.ctx?.target === bar()) refreshTiles();
});

/** The dashboard under another choice: the bar is fetched, the address follows, then the tiles. */
function choose(change) {
  const query = new URLSearchParams(document.getElementById("board-state").value);
  change(query);
  const text = query.toString();
  const form = document.getElementById("board-form");
  const href = form.getAttribute("hx-get") + (text ? `?${text}` : "");
  globalThis.htmx.ajax("GET", href, { source: form, target: "#board-bar", swap: "innerMorph", push: "true", values: {} });
}

const pad = (number) => String(number).padStart(2, "0");
const iso = (day) => `${day.getFullYear()}-${pad(day.getMonth() + 1)}-${pad(day.getDate())}`;

/** First and last day of the bucket that starts on `start`. */
function daysOf(start, grain) {
  const [year, month, day] = start.split("-").map(Number);
  const ends = {
    day: new Date(year, month - 1, day),
    week: new Date(year, month - 1, day + 6),
    month: new Date(year, month, 0),
    quarter: new Date(year, month + 2, 0),
    year: new Date(year, 12, 0),
  };
  return [start, iso(ends[grain])];
}

/** What a click on a mark may choose: a label, and how the query changes. Nothing for marks that stand for no value. */
function choiceOf(cross, cell, title) {
  if (!cross || !(cross.column in cell) || cell[cross.column] === OTHERS) return null;
  const value = cell[cross.column];
  if (cross.grain) {
    if (value === null) return null;
    const [first, last] = daysOf(value, cross.grain);
    return {
      label: [words.days, title],
      change: (query) => {
        query.delete("period");
        query.set("from_day", first);
        query.set("to_day", last);
      },
    };
  }
  return {
    label: [`${words.filter}: ${cross.title}`, title],
    change: (query) => query.set(cross.field, value ?? ""),
  };
}

function item(parts, act) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "choice" });
  button.setAttribute("role", "menuitem");
  const text = document.createElement("span");
  text.append(`${parts[0]} `, Object.assign(document.createElement("b"), { textContent: parts[1] ?? "" }));
  button.append(text);
  button.addEventListener("click", () => {
    menu.hidePopover();
    act();
  });
  return button;
}

function openMenu(items, { x, y }) {
  menu.replaceChildren(...items);
  menu.showPopover();
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, y + height + 8 > innerHeight ? y - height - 4 : y + 4)}px`;
  items[0].focus();
}

document.addEventListener("rakurs:cell", (event) => {
  if (!menu || document.querySelector(".board.editing")) return;
  const chart = event.target;
  const { cell, words: title, x, y } = event.detail;
  const choice = choiceOf(JSON.parse(chart.dataset.cross ?? "null"), cell, title);
  if (!choice) return;
  event.preventDefault();
  const items = [item(choice.label, () => choose(choice.change))];
  if (chart.dataset.members) items.push(item([words.rows], () => chart.openRows(cell)));
  const box = chart.getBoundingClientRect();
  openMenu(items, { x: x ?? box.left + box.width / 2, y: y ?? box.top + box.height / 2 });
});

menu?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...menu.children];
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
});

document.addEventListener("click", (event) => {
  const cross = event.target.closest("button.cross");
  if (cross) choose((query) => query.set(cross.dataset.field, cross.dataset.value));
});

// A chart is one stop of the Tab key; Enter opens all rows behind it.
document.addEventListener("keydown", (event) => {
  const chart = event.target;
  if (event.key === "Enter" && chart.matches?.("e-chart[data-members]")) openPanel(chart.dataset.members);
});

document.addEventListener("submit", (event) => {
  const sure = event.target.dataset.sure;
  if (sure && !confirm(sure)) event.preventDefault();
});
