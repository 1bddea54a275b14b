// Where do tiles stand? The same rule as `app.dashboards.settled`: each as high as those before it let it.

const COLUMNS = 12;
const TALLEST = 20;

const meet = (one, other) =>
  one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;

/** The places after the one called `active` took its own; places are {id, x, y, w, h}. */
export function settled(places, active = null) {
  const order = (place) => (place.id === active ? 0 : 1);
  const placed = [];
  for (const place of [...places].sort((a, b) => a.y - b.y || order(a) - order(b) || a.x - b.x || (a.id < b.id ? -1 : 1))) {
    const moved = { ...place };
    const isFree = (y) => !placed.some((other) => meet({ ...moved, y }, other));
    while (!isFree(moved.y)) moved.y += 1;
    while (moved.y > 0 && isFree(moved.y - 1)) moved.y -= 1;
    placed.push(moved);
  }
  return placed;
}

/** The place moved and grown by so many cells, kept on the grid. */
export function changed(place, { dx = 0, dy = 0, dw = 0, dh = 0 }) {
  const w = Math.min(Math.max(place.w + dw, 1), COLUMNS - place.x);
  const h = Math.min(Math.max(place.h + dh, 1), TALLEST);
  const x = Math.min(Math.max(place.x + dx, 0), COLUMNS - w);
  return { ...place, x, y: Math.max(place.y + dy, 0), w, h };
}
