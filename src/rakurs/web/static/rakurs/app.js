// What do pages need beyond links and forms? Theme, menus that close, files dropped, small lines on tiles.

const root = document.documentElement;

function keepCookie(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

function setTheme(theme) {
  root.dataset.theme = theme;
  keepCookie("theme", theme);
  document.dispatchEvent(new CustomEvent("rakurs:theme"));
  showTheme();
}

function showTheme() {
  for (const button of document.querySelectorAll("button[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.theme));
  }
}

function isDark() {
  return root.dataset.theme === "dark" || (root.dataset.theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.dispatchEvent(new CustomEvent("rakurs:theme"));
});

// Goes at once, before any answer of the server: a form sent right after is sent without it.
function removeField(button) {
  const { form } = button;
  document.getElementById(button.dataset.removes).remove();
  form.dispatchEvent(new Event("change"));
}

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-choice]");
  if (choice) setTheme(choice.dataset.themeChoice);
  if (event.target.closest("[data-theme-toggle]")) setTheme(isDark() ? "light" : "dark");
  if (event.target.closest("[data-print]")) print();
  const copied = event.target.closest("[data-copy]");
  if (copied) navigator.clipboard.writeText(copied.dataset.copy);
  const remover = event.target.closest("[data-removes]");
  if (remover) removeField(remover);
  for (const open of document.querySelectorAll("details.pill[open], details.menu[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll("details.pill[open], details.menu[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// Choosing days means a period of one's own; choosing a named period forgets the days.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form?.matches("[data-filters]")) return;
  if (event.target.name === "period") {
    for (const name of ["from_day", "to_day"]) if (form.elements[name]) form.elements[name].value = "";
  }
  const sheet = event.target.closest("details.pill");
  if (sheet && event.target.type === "radio") sheet.open = false;
});

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-find]")) return;
  const wanted = event.target.value.trim().toLocaleLowerCase();
  for (const choice of event.target.closest(".sheet").querySelectorAll("label.choice")) {
    choice.hidden = wanted !== "" && !choice.textContent.toLocaleLowerCase().includes(wanted);
  }
});

class SparkLine extends HTMLElement {
  static observedAttributes = ["data-points"];
  connectedCallback() {
    this.draw();
  }
  attributeChangedCallback() {
    if (this.isConnected) this.draw();
  }
  draw() {
    // [[value or null, is complete], ...]
    const points = JSON.parse(this.dataset.points);
    const known = points.map(([value]) => value).filter((value) => value !== null);
    this.replaceChildren();
    if (known.length < 2) return;
    const [low, high] = [Math.min(...known, 0), Math.max(...known)];
    const place = (value, index) => [(index / (points.length - 1)) * 100, 30 - ((value - low) / (high - low || 1)) * 28];
    // Only the ends can be unfinished: the period may cut its first bucket and its last.
    const first = Math.max(points.findIndex(([, isComplete]) => isComplete), 0);
    const finished = points.findLastIndex(([, isComplete]) => isComplete) + 1;
    const line = (from, to) => {
      let path = "";
      for (let index = from; index < to; index += 1) {
        if (points[index][0] === null) continue;
        path += `${path ? "L" : "M"}${place(points[index][0], index).map((value) => value.toFixed(2)).join(" ")}`;
      }
      return path;
    };
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({ viewBox: "0 0 100 32", preserveAspectRatio: "none", width: "100%", height: "100%" })) {
      svg.setAttribute(name, value);
    }
    svg.setAttribute("aria-hidden", "true");
    const add = (d, name) => {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      if (name) path.setAttribute("class", name);
      svg.append(path);
    };
    const solid = line(first, finished);
    if (solid) {
      const [start, last] = [first, finished - 1].map((index) => place(0, index)[0].toFixed(2));
      add(`${solid}L${last} 32L${start} 32Z`, "area");
      add(solid);
    }
    if (first > 0) add(line(0, first + 1), "unfinished");
    if (finished < points.length) add(line(Math.max(finished - 1, 0), points.length), "unfinished");
    this.append(svg);
  }
}
customElements.define("spark-line", SparkLine);

function size(bytes) {
  const units = root.lang === "ru" ? ["Б", "КБ", "МБ", "ГБ"] : ["B", "KB", "MB", "GB"];
  const step = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)), 3);
  return `${new Intl.NumberFormat(root.lang, { maximumFractionDigits: 1 }).format(bytes / 1024 ** step)}\u00a0${units[step]}`;
}

function showFiles(input) {
  const list = document.getElementById("chosen");
  list.replaceChildren(
    ...[...input.files].map((file) => {
      const item = document.createElement("li");
      item.append(
        Object.assign(document.createElement("span"), { textContent: file.name }),
        Object.assign(document.createElement("span"), { className: "number", textContent: size(file.size) }),
      );
      return item;
    }),
  );
  document.getElementById("send").disabled = input.files.length === 0;
}

function watchDrop(zone) {
  const input = zone.querySelector("input[type=file]");
  input.addEventListener("change", () => showFiles(input));
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    input.files = event.dataTransfer.files;
    showFiles(input);
  });
  showFiles(input);
}

// Answers follow the data. Only a page that is looked at listens: browsers allow few open connections to one server.
let stream = null;
let version = null;

function heard({ data }) {
  if (version !== null && data !== version) document.body.dispatchEvent(new CustomEvent("data-changed"));
  version = data;
}

function listen() {
  const wants = document.visibilityState === "visible" && document.querySelector("[data-live]");
  if (!wants) {
    stream?.close();
    stream = null;
  } else if (!stream) {
    stream = new EventSource("/live");
    stream.addEventListener("version", heard);
  }
}
document.addEventListener("visibilitychange", listen);
addEventListener("pagehide", () => stream?.close());
listen();

for (const zone of document.querySelectorAll(".drop")) watchDrop(zone);
showTheme();
