// How does one find anything by keyboard? A combobox in a dialog: Ctrl/Cmd+K opens, arrows choose, Enter goes.

const dialog = document.getElementById("palette");
const query = document.getElementById("palette-query");
const list = document.getElementById("palette-list");
const status = dialog.querySelector("[role=status]");
const PAUSE_MS = 70;

let chosen = null;
let asking = null;
let pause = 0;
let shownFor = null;

const options = () => [...list.querySelectorAll("[role=option]")];

function choose(option) {
  chosen?.setAttribute("aria-selected", "false");
  chosen = option ?? null;
  if (!chosen) {
    query.removeAttribute("aria-activedescendant");
    return;
  }
  chosen.setAttribute("aria-selected", "true");
  query.setAttribute("aria-activedescendant", chosen.id);
  chosen.scrollIntoView({ block: "nearest" });
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  const text = query.value;
  try {
    const answer = await fetch(`${dialog.dataset.src}?q=${encodeURIComponent(text)}`, {
      headers: { "X-Palette": "1" },
      signal: asking.signal,
    });
    // A login that ended meanwhile answers with its page.
    if (answer.redirected || !answer.ok) return location.reload();
    list.innerHTML = await answer.text();
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    return;
  }
  shownFor = text;
  choose(options()[0]);
  status.textContent = `${status.dataset.found}${options().length}`;
}

function open() {
  if (dialog.open) return;
  document.querySelector("details.menu[open]")?.removeAttribute("open");
  dialog.showModal();
  query.select();
  ask();
}

query.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(ask, PAUSE_MS);
});

query.addEventListener("keydown", async (event) => {
  const all = options();
  const place = all.indexOf(chosen);
  const moves = { ArrowDown: (place + 1) % all.length, ArrowUp: (place - 1 + all.length) % all.length, PageDown: Math.min(place + 6, all.length - 1), PageUp: Math.max(place - 6, 0) };
  if (event.key in moves && all.length) {
    event.preventDefault();
    choose(all[moves[event.key]]);
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    clearTimeout(pause);
    // Enter means what is typed now, not what was found for half of it.
    if (shownFor !== query.value) await ask();
    chosen?.click();
  }
});

list.addEventListener("pointermove", (event) => {
  const option = event.target.closest("[role=option]");
  if (option && option !== chosen) choose(option);
});

document.addEventListener("keydown", (event) => {
  // By the key's place, so that it works on every layout.
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.code === "KeyK") {
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette-open]")) {
    event.preventDefault();
    open();
  }
  if (event.target === dialog || event.target.closest("[data-palette-close]")) dialog.close();
});

// A page brought back by Back must not stand behind an open palette.
addEventListener("pagehide", () => dialog.close());

if (/Mac|iPhone|iPad/.test(navigator.userAgent)) {
  for (const hint of document.querySelectorAll(".search-button kbd")) hint.textContent = "⌘ K";
}
