// How are tiles arranged? By the handles: dragged with a pointer, or moved and sized with the arrow keys (Shift sizes
// from the moving handle too). Nothing is kept until "Save"; "Cancel" is a link back.

import { changed, settled } from "./grid.js";

const board = document.getElementById("board");
const form = document.getElementById("arranging");
const adding = document.getElementById("adding");
const said = document.getElementById("arranged");
const NUMBERS = ["x", "y", "w", "h"];
const SIZES = { number: [3, 2], question: [6, 5], report: [6, 5], words: [12, 1] };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let isSaved = true;

const tiles = () => [...board.querySelectorAll(".board-tile")];
const idOf = (tile) => tile.id.replace(/^tile-/, "");
const placeOf = (tile) => ({ id: idOf(tile), ...Object.fromEntries(NUMBERS.map((name) => [name, Number(tile.dataset[name])])) });

function show(places) {
  for (const place of places) {
    const tile = document.getElementById(`tile-${place.id}`);
    for (const name of NUMBERS) tile.dataset[name] = place[name];
  }
}

/** Puts `tile` at `place`; the others make room. */
function put(place) {
  isSaved = false;
  const others = tiles().map(placeOf).filter((other) => other.id !== place.id);
  show(settled([...others, place], place.id));
}

function tell(tile) {
  const { x, y, w, h } = placeOf(tile);
  said.textContent = `${tile.querySelector("h2").textContent}: ${x + 1}, ${y + 1}; ${w} × ${h}`;
}

board.addEventListener("keydown", (event) => {
  const handle = event.target.closest(".handle");
  const arrow = ARROWS[event.key];
  if (!handle || !arrow) return;
  event.preventDefault();
  const tile = handle.closest(".board-tile");
  const [across, down] = arrow;
  const isSizing = handle.matches(".size") || event.shiftKey;
  let place = changed(placeOf(tile), isSizing ? { dw: across, dh: down } : { dx: across, dy: down });
  // One step up or down must go past whatever stands there, or the tile would be drawn back at once.
  if (!isSizing && down < 0) {
    const over = tiles().map(placeOf).filter((other) => other.id !== place.id && other.y <= place.y);
    const above = over.filter((other) => other.x < place.x + place.w && place.x < other.x + other.w);
    if (above.length) place = { ...place, y: Math.max(...above.map((other) => other.y)) };
  }
  if (!isSizing && down > 0) {
    const under = tiles().map(placeOf).filter((other) => other.id !== place.id && other.y >= place.y);
    const below = under.filter((other) => other.x < place.x + place.w && place.x < other.x + other.w);
    if (below.length) place = { ...place, y: Math.min(...below.map((other) => other.y)) + 1 };
  }
  put(place);
  tell(tile);
});

board.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest(".handle");
  if (!handle || event.button !== 0) return;
  event.preventDefault();
  handle.focus();
  handle.setPointerCapture(event.pointerId);
  const tile = handle.closest(".board-tile");
  const start = placeOf(tile);
  const before = tiles().map(placeOf);
  const style = getComputedStyle(board);
  const gap = parseFloat(style.columnGap);
  const [wide, tall] = [(board.clientWidth + gap) / 12, parseFloat(style.getPropertyValue("--cell")) + gap];
  const isSizing = handle.matches(".size");
  tile.classList.add("active");

  const move = (now) => {
    const across = Math.round((now.clientX - event.clientX) / wide);
    const down = Math.round((now.clientY + scrollY - from) / tall);
    show(before);
    put(changed(start, isSizing ? { dw: across, dh: down } : { dx: across, dy: down }));
  };
  const from = event.clientY + scrollY;
  const stop = () => {
    tile.classList.remove("active");
    handle.removeEventListener("pointermove", move);
    tell(tile);
  };
  handle.addEventListener("pointermove", move);
  handle.addEventListener("pointerup", stop, { once: true });
  handle.addEventListener("pointercancel", stop, { once: true });
});

board.addEventListener("click", (event) => {
  const remove = event.target.closest(".remove");
  if (!remove) return;
  const next = remove.closest(".board-tile").nextElementSibling;
  remove.closest(".board-tile").remove();
  isSaved = false;
  show(settled(tiles().map(placeOf)));
  (next?.querySelector(".handle") ?? document.querySelector("[data-open]")).focus();
});

document.querySelector("[data-open=adding]").addEventListener("click", () => adding.showModal());
adding.querySelector("[data-close]").addEventListener("click", () => adding.close());
adding.querySelector("[data-find-tile]").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLocaleLowerCase();
  for (const entry of adding.querySelectorAll("li")) entry.hidden = !entry.textContent.toLocaleLowerCase().includes(wanted);
});
adding.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-add]");
  if (chosen) add(JSON.parse(chosen.dataset.add));
});
adding.querySelector("[data-words]").addEventListener("submit", (event) => {
  event.preventDefault();
  const heading = event.target.querySelector("input").value.trim();
  if (heading) add({ kind: "words", heading });
});

async function add(content) {
  const [w, h] = SIZES[content.kind];
  const places = tiles().map(placeOf);
  const bottom = Math.max(0, ...places.map((place) => place.y + place.h));
  const last = places.filter((place) => place.y + place.h === bottom).sort((a, b) => b.x - a.x)[0];
  const isBeside = last && last.h === h && last.x + last.w + w <= 12;
  const place = isBeside ? { x: last.x + last.w, y: last.y, w, h } : { x: 0, y: bottom, w, h };
  const id = crypto.randomUUID?.().replaceAll("-", "").slice(0, 12) ?? Math.random().toString(36).slice(2, 14);
  const url = new URL(adding.dataset.preview, location.href);
  url.searchParams.set("tile", JSON.stringify({ id, place, content }));
  const answer = await fetch(url, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  adding.close();
  isSaved = false;
  document.getElementById("empty-board")?.remove();
  board.insertAdjacentHTML("beforeend", await answer.text());
  const tile = board.lastElementChild;
  globalThis.htmx.process(tile);
  tile.scrollIntoView({ block: "nearest" });
  tile.querySelector(".handle").focus();
}

form.addEventListener("submit", () => {
  isSaved = true;
  const kept = tiles().map((tile) => {
    const { id, ...place } = placeOf(tile);
    return { ...JSON.parse(tile.dataset.kept), id, place };
  });
  document.getElementById("tiles").value = JSON.stringify(kept);
});

addEventListener("beforeunload", (event) => {
  if (!isSaved) event.preventDefault();
});
for (const link of form.querySelectorAll("a")) link.addEventListener("click", () => (isSaved = true));
